/**
 * Collects the licences of everything that gets into the build, as the build is redistributed with the server, into
 * `licences.md`; and fails where one asks for more than naming its authors.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Plugin } from 'vite';

const permissive = ['MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'BlueOak-1.0.0', 'CC0-1.0', 'Unlicense', 'Zlib', 'OFL-1.1'];

interface Package {
  name: string;
  version: string;
  licence: string;
  text: string;
}

export function licences(): Plugin {
  return {
    name: 'licences',
    apply: 'build',
    generateBundle(_options, bundle) {
      const files = new Set<string>();
      for (const output of Object.values(bundle)) {
        for (const file of output.type === 'chunk' ? output.moduleIds : output.originalFileNames) files.add(file);
      }
      const packages = packagesOf(files);
      const refused = packages.filter(({ licence }) => !isPermissive(licence));
      if (refused.length > 0) {
        this.error(`not under a permissive licence: ${refused.map(({ name, version, licence }) => `${name} ${version} (${licence})`).join(', ')}`);
      }
      this.emitFile({ type: 'asset', fileName: 'licences.md', source: render(packages) });
    },
  };
}

/** Of «A OR B» one is enough, of «A AND B» each counts. */
export function isPermissive(licence: string): boolean {
  const choices = licence.replace(/[()]/g, '').split(' OR ');
  return choices.some((choice) => choice.split(' AND ').every((one) => permissive.includes(one.trim())));
}

function packagesOf(files: Iterable<string>): Package[] {
  const found = new Map<string, Package>();
  for (const file of files) {
    const root = rootOf(file);
    if (!root || found.has(root) || !existsSync(join(root, 'package.json'))) continue;
    const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
    found.set(root, { name: String(name), version: String(version), licence: typeof license === 'string' ? license : 'none', text: textIn(root) });
  }
  const once = new Map([...found.values()].map((one) => [`${one.name} ${one.version}`, one]));
  return [...once.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** The package's folder; null for our own files. */
function rootOf(file: string): string | null {
  const [, root] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
  return root ? resolve(import.meta.dirname, root) : null;
}

function textIn(root: string): string {
  const file = readdirSync(root).find((name) => /^(licen[cs]e|copying)(\.|$|-)/i.test(name));
  return file ? readFileSync(join(root, file), 'utf8').trim() : '';
}

function render(packages: readonly Package[]): string {
  const parts = packages.map(({ name, version, licence, text }) => `## ${name} ${version} (${licence})\n\n${text}\n`);
  return `# Licences\n\nThis page contains the following software.\n\n${parts.join('\n')}`;
}
