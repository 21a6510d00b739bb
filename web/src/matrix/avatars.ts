/** Pictures of the homeserver, which asks for the access token: fetched once each, and handed out as blob: URLs. */

/** Enough for the large avatars of a call on a dense screen. */
const SIZE = 192;
const MOST_BYTES = 4 * 1024 * 1024;
const MOST_KEPT = 400;

export class Avatars {
  readonly #homeserverUrl: string;
  readonly #accessToken: string;
  readonly #changed: () => void;
  /** By mxc: URL, the least used first. null: being fetched, or not to be had. */
  readonly #urls = new Map<string, string | null>();
  readonly #closed = new AbortController();

  constructor(homeserverUrl: string, accessToken: string, changed: () => void) {
    this.#homeserverUrl = homeserverUrl;
    this.#accessToken = accessToken;
    this.#changed = changed;
  }

  /** The blob: URL, or null; then it is fetched, and `changed` is called when it is there. */
  url(mxc: string | null | undefined): string | null {
    if (!mxc) return null;
    const known = this.#urls.get(mxc);
    if (known !== undefined) {
      this.#urls.delete(mxc);
      this.#urls.set(mxc, known);
      return known;
    }
    this.#urls.set(mxc, null);
    void this.#fetch(mxc);
    return null;
  }

  close(): void {
    this.#closed.abort();
    for (const url of this.#urls.values()) if (url) URL.revokeObjectURL(url);
    this.#urls.clear();
  }

  async #fetch(mxc: string): Promise<void> {
    const [, server, media] = /^mxc:\/\/([^/]+)\/([\w-]+)$/.exec(mxc) ?? [];
    if (!server || !media) return;
    const tail = `thumbnail/${encodeURIComponent(server)}/${media}?width=${SIZE}&height=${SIZE}&method=crop`;
    try {
      // The second path is that of homeservers from before authenticated media.
      const blob = (await this.#get(`/_matrix/client/v1/media/${tail}`, true)) ?? (await this.#get(`/_matrix/media/v3/${tail}`, false));
      if (!blob || this.#closed.signal.aborted) return;
      this.#urls.set(mxc, URL.createObjectURL(blob));
      this.#makeRoom();
      this.#changed();
    } catch {
      this.#urls.delete(mxc); // asked again when it is shown the next time
    }
  }

  async #get(path: string, authenticated: boolean): Promise<Blob | null> {
    const headers = new Headers(authenticated ? { Authorization: `Bearer ${this.#accessToken}` } : undefined);
    const response = await fetch(this.#homeserverUrl + path, { headers, credentials: 'omit', signal: this.#closed.signal });
    if (!response.ok) return null;
    const blob = await response.blob();
    return blob.type.startsWith('image/') && blob.size <= MOST_BYTES ? blob : null;
  }

  #makeRoom(): void {
    for (const [mxc, url] of this.#urls) {
      if (this.#urls.size <= MOST_KEPT) return;
      if (url) URL.revokeObjectURL(url);
      this.#urls.delete(mxc);
    }
  }
}
