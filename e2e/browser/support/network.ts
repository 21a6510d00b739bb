/** A browser's way to everything, which can be cut: an HTTP proxy for one browser context. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * It carries what the context sends by TCP: pages, requests, sockets (`CONNECT`). What goes by UDP goes around it, so media takes
 * this way only where it is relayed by TCP.
 */
export class Network {
  readonly #sockets = new Set<Socket>();
  readonly #listener: Server;
  #isCut = false;
  /** Connections that were carried, by target. */
  readonly carried = new Map<string, number>();

  private constructor() {
    this.#listener = createServer((client) => this.#accept(client));
  }

  static async start(): Promise<Network> {
    const network = new Network();
    network.#listener.listen(0, '127.0.0.1');
    await once(network.#listener, 'listening');
    return network;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#listener.address() as { port: number }).port}`;
  }

  /** Ends what is open, and lets nothing new through. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  stop(): void {
    this.cut();
    this.#listener.close();
  }

  #accept(client: Socket): void {
    if (this.#isCut) return void client.destroy();
    this.#keep(client);
    client.once('data', (head) => {
      const text = head.toString('latin1');
      const [, method, target] = /^(\S+) (\S+) HTTP\/1\.[01]\r\n/.exec(text) ?? [];
      if (!method || !target) return void client.destroy();
      const url = new URL(method === 'CONNECT' ? `tcp://${target}` : target);
      this.carried.set(url.host, (this.carried.get(url.host) ?? 0) + 1);
      const server = this.#keep(connect(Number(url.port || 80), url.hostname));
      server.once('connect', () => {
        if (method === 'CONNECT') client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        // One request for each connection: the next may be for somebody else.
        else server.write(Buffer.from(text.replace(target, url.pathname + url.search).replace(/\r\nProxy-Connection:[^\r]*/i, '').replace('\r\n', '\r\nConnection: close\r\n'), 'latin1'));
        client.pipe(server).pipe(client);
      });
      const end = () => (client.destroy(), server.destroy());
      for (const socket of [client, server]) socket.once('close', end);
    });
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }
}
