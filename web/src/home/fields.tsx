import { Form } from '@vector-im/compound-web';
import ChevronIcon from '@vector-im/compound-design-tokens/assets/web/icons/chevron-down';
import { useId } from 'react';
import styles from './fields.module.css';

interface ToggleProps {
  label: string;
  help?: string;
  on: boolean;
  disabled?: boolean;
  onChange: (on: boolean) => void;
}

export function Toggle({ label, help, on, disabled = false, onChange }: ToggleProps) {
  const id = useId();
  return (
    <div className={styles.toggle}>
      <label htmlFor={id} className={styles.texts}>
        <span className={styles.label} id={`${id}-label`}>
          {label}
        </span>
        {help && (
          <span className={styles.help} id={`${id}-help`}>
            {help}
          </span>
        )}
      </label>
      <Form.ToggleInput
        id={id}
        checked={on}
        disabled={disabled}
        aria-labelledby={`${id}-label`}
        aria-describedby={help ? `${id}-help` : undefined}
        onChange={(event) => {
          onChange(event.currentTarget.checked);
        }}
      />
    </div>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly { value: string; label: string }[];
  disabled?: boolean;
  help?: string | undefined;
  onChange: (value: string) => void;
}

/** The browser's own list: it fits a phone, a keyboard and a screen reader best. */
export function Choice({ label, value, options, disabled = false, help, onChange }: ChoiceProps) {
  const id = useId();
  return (
    <div className={styles.choice}>
      <label htmlFor={id} className={styles.label}>
        {label}
      </label>
      <div className={styles.select}>
        <select
          id={id}
          value={value}
          disabled={disabled}
          aria-describedby={help ? `${id}-help` : undefined}
          onChange={(event) => {
            onChange(event.currentTarget.value);
          }}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
        <ChevronIcon aria-hidden />
      </div>
      {help && (
        <span className={styles.help} id={`${id}-help`}>
          {help}
        </span>
      )}
    </div>
  );
}
