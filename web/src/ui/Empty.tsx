import { Heading, Text } from '@vector-im/compound-web';
import type { ComponentType, ReactNode, SVGAttributes } from 'react';
import styles from '../home/page.module.css';

/** A page or list with nothing in it: why, and what to do. */
export function Empty({ Icon, title, text, level = 'h2', children }: { Icon: ComponentType<SVGAttributes<SVGElement>>; title: string; text: string; level?: 'h1' | 'h2'; children?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <Icon aria-hidden />
      <Heading as={level} size="sm" weight="semibold">
        {title}
      </Heading>
      <Text as="p">{text}</Text>
      {children}
    </div>
  );
}
