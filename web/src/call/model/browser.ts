/** Which browser this is: only to say where its permissions are set. */
export type BrowserKind = 'chromium' | 'firefox' | 'safari' | 'ios' | 'android';

export function browserKind(agent = navigator.userAgent, touchPoints = navigator.maxTouchPoints): BrowserKind {
  if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && touchPoints > 1)) return 'ios';
  if (agent.includes('Android')) return 'android';
  if (agent.includes('Firefox')) return 'firefox';
  if (agent.includes('Safari') && !/Chrom|Edg|OPR/.test(agent)) return 'safari';
  return 'chromium';
}
