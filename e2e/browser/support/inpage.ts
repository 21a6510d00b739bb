/** What runs in every page before its own scripts: media by the relay alone, and eyes for the tests. */

export interface InPage {
  /** Every connection that the page has made, also closed ones. */
  connections: RTCPeerConnection[];
  /** When the user last clicked, in ms since 1970. */
  clickedAt: number;
}

declare global {
  interface Window {
    inPage: InPage;
    tellOfViolation(text: string): void;
  }
}

/** `tcpOnly`: of the TURN servers only those by TCP, whose way the tests can cut. */
export function prepare({ tcpOnly }: { tcpOnly: boolean }): void {
  window.inPage = { connections: [], clickedAt: 0 };
  addEventListener('click', () => (window.inPage.clickedAt = performance.timeOrigin + performance.now()), { capture: true });
  document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sourceFile, lineNumber }) => {
    window.tellOfViolation(`${effectiveDirective} forbids ${blockedURI} (${sourceFile}:${lineNumber})`);
  });

  const byTcp = (server: RTCIceServer): RTCIceServer => ({
    ...server,
    urls: [server.urls].flat().filter((url) => !tcpOnly || url.includes('transport=tcp')),
  });
  const relayed = (asked: RTCConfiguration = {}): RTCConfiguration => ({
    ...asked,
    iceTransportPolicy: 'relay',
    iceServers: asked.iceServers?.map(byTcp).filter((server) => server.urls.length > 0),
  });
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(asked?: RTCConfiguration) {
      super(relayed(asked));
      window.inPage.connections.push(this);
    }

    override setConfiguration(asked?: RTCConfiguration): void {
      super.setConfiguration(relayed(asked));
    }
  };
}
