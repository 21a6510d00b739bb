/** Shows every state of a call, without a server: `npx vite`, then `/src/call/gallery/index.html`. Not part of the build. */
import '../../styles/global.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { startTranslation } from '../../i18n';
import { CallLayer } from '..';
import { FakeClient, people } from './fakes';
import { scenes } from './scenes';

const query = new URLSearchParams(location.search);
const theme = query.get('theme');
if (theme) document.documentElement.classList.add(`cpd-theme-${theme}`);
await startTranslation(query.get('language') === 'de' ? 'de' : 'en');
const scene = scenes[query.get('scene') ?? ''];

function Index() {
  return (
    <main>
      <h1>Every state of a call</h1>
      <ul>
        {Object.keys(scenes).map((name) => (
          <li key={name}>
            <a href={`?scene=${name}`}>{name}</a> <a href={`?scene=${name}&language=de`}>German</a>
          </li>
        ))}
      </ul>
    </main>
  );
}

const root = document.getElementById('root');
if (root) {
  const client = new FakeClient(scene?.());
  createRoot(root).render(
    <StrictMode>
      <Index />
      <CallLayer client={client.asClient} people={people} />
    </StrictMode>,
  );
}
