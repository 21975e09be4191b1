import { useEffect, useState } from 'react';

/**
 * False on the server and until the script runs. A button that needs the script is disabled so
 * long: a press in that moment would be lost, or would send the form the plain way.
 */
export function useIsAlive(): boolean {
  const [isAlive, setAlive] = useState(false);
  useEffect(() => setAlive(true), []);
  return isAlive;
}
