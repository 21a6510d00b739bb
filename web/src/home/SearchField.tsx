import SearchIcon from '@vector-im/compound-design-tokens/assets/web/icons/search';
import styles from './SearchField.module.css';

export function SearchField({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return (
    <div className={styles.search} role="search">
      <SearchIcon aria-hidden />
      <input
        type="search"
        aria-label={label}
        placeholder={label}
        value={value}
        onChange={(event) => {
          onChange(event.currentTarget.value);
        }}
      />
    </div>
  );
}
