import './styles/global.css';
import { TooltipProvider } from '@vector-im/compound-web';
import { createRoot } from 'react-dom/client';
import { takeSsoReturn } from './account/sso';
import { App } from './App';
import { startTranslation } from './i18n';
import { chosenLanguage } from './settings';
import { applyLanguage, applyTheme } from './ui/appearance';
import { Crash } from './ui/Crash';

// Before anything else may look at the address.
const ssoReturn = takeSsoReturn();

applyTheme();
await startTranslation(chosenLanguage());
applyLanguage();

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <Crash>
    <TooltipProvider>
      <App ssoReturn={ssoReturn} />
    </TooltipProvider>
  </Crash>,
);
