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

/** For pictures: a camera that shows somebody, and holds still. */
export function pose(): void {
  // An empty window that has not loaded anything yet has no devices.
  if (!('MediaDevices' in window)) return;
  const picture = (hue: number): MediaStreamTrack => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 1280, height: 720 });
    const paper = canvas.getContext('2d')!;
    const draw = () => {
      paper.fillStyle = `hsl(${hue} 35% 72%)`;
      paper.fillRect(0, 0, 1280, 720);
      paper.fillStyle = `hsl(${hue} 30% 40%)`;
      paper.beginPath();
      paper.ellipse(640, 330, 120, 150, 0, 0, 7);
      paper.ellipse(640, 760, 320, 250, 0, 0, 7);
      paper.fill();
    };
    draw();
    // A picture is sent only when something is drawn.
    setInterval(draw, 100);
    return canvas.captureStream(10).getVideoTracks()[0]!;
  };
  const devices = MediaDevices.prototype;
  const getUserMedia = devices.getUserMedia;
  devices.getUserMedia = async function (asked = {}) {
    const stream = await getUserMedia.call(this, asked);
    if (!asked.video) return stream;
    const who = /"userId":"[^"]*/.exec(localStorage.getItem('ringback.session') ?? '')?.[0] ?? '';
    const hue = [...who].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7);
    stream.getVideoTracks().forEach((track) => (track.stop(), stream.removeTrack(track)));
    stream.addTrack(picture(hue));
    return stream;
  };
}
