import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/**
 * One project for everything that browsers see. The client build makes hashed files under
 * /assets/; the server build makes one self-contained module, React in its production form
 * included, so that the storefront service needs no package of the web.
 */
export default defineConfig(({ isSsrBuild }) => ({
  root: import.meta.dirname,
  plugins: [react()],
  logLevel: 'warn',
  define: { 'process.env.NODE_ENV': '"production"' },
  ssr: { noExternal: true },
  build: isSsrBuild
    ? {
        ssr: true,
        outDir: 'dist/server',
        copyPublicDir: false,
        rolldownOptions: {
          input: { storefront: 'storefront/server.tsx' },
          output: { entryFileNames: '[name].js' },
        },
      }
    : {
        outDir: 'dist/client',
        manifest: true,
        target: 'baseline-widely-available',
        modulePreload: { polyfill: false },
        assetsInlineLimit: 0,
        rolldownOptions: { input: { storefront: 'storefront/client.ts' } },
      },
}));
