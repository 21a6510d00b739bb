/** The page's one AudioContext, for tones and for level meters. It sleeps while nobody holds it. */
let context: AudioContext | null = null;
let holders = 0;
let sleep: ReturnType<typeof setTimeout> | undefined;

export function audioContext(): AudioContext | null {
  if (typeof AudioContext === 'undefined') return null;
  context ??= new AudioContext();
  return context;
}

/** Keeps the context awake until the returned function is called. */
export function holdAudio(): () => void {
  holders += 1;
  clearTimeout(sleep);
  wake();
  let held = true;
  return () => {
    if (!held) return;
    held = false;
    holders -= 1;
    if (holders === 0) sleep = setTimeout(() => void context?.suspend(), 1000);
  };
}

/** Before a first gesture on the page a browser leaves the context asleep: then this does nothing. */
export function wake(): void {
  const own = holders > 0 ? audioContext() : null;
  if (own?.state === 'suspended') own.resume().catch(() => undefined);
}
