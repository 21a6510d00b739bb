import { IconButton } from '@vector-im/compound-web';
import type { ComponentType, SVGAttributes } from 'react';

interface Props {
  label: string;
  Icon: ComponentType<SVGAttributes<SVGElement>>;
  size?: string;
  'aria-describedby'?: string;
  onClick: () => void;
}

/** A button with a symbol only. Compound's own tooltip leaves an element for each button outside of all landmarks. */
export function IconAction({ label, Icon, size = '36px', onClick, ...rest }: Props) {
  return (
    <IconButton size={size} title={label} aria-label={label} onClick={onClick} {...rest}>
      <Icon aria-hidden />
    </IconButton>
  );
}
