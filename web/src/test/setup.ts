import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';

// A loaded machine is slow, which is no failure.
configure({ asyncUtilTimeout: 10_000 });

afterEach(() => {
  cleanup();
  localStorage.clear();
  sessionStorage.clear();
});
