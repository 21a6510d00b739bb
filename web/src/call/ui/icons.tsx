/** Symbols that Compound's permissive releases do not have. */
import type { SVGAttributes } from 'react';

function Icon({ path, ...props }: SVGAttributes<SVGElement> & { path: string }) {
  return (
    <svg viewBox="0 0 24 24" width="1em" height="1em" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round" {...props}>
      <path d={path} />
    </svg>
  );
}

export const FullScreenIcon = (props: SVGAttributes<SVGElement>) => <Icon path="M9 4H4v5M15 4h5v5M9 20H4v-5M15 20h5v-5" {...props} />;
export const ExitFullScreenIcon = (props: SVGAttributes<SVGElement>) => <Icon path="M4 9h5V4M20 9h-5V4M4 15h5v5M20 15h-5v5" {...props} />;
