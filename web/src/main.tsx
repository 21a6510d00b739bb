import '@vector-im/compound-design-tokens/assets/web/css/compound-design-tokens.css';
import '@vector-im/compound-web/dist/style.css';
import './styles/fonts.css';
import { createRoot } from 'react-dom/client';
import { Heading } from '@vector-im/compound-web';
import { useTranslation } from 'react-i18next';
import { preferredLanguage, startTranslation } from './i18n';

function App() {
  const { t } = useTranslation();
  return <Heading as="h1">{t('name')}</Heading>;
}

await startTranslation(preferredLanguage());
const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(<App />);
