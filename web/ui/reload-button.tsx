/** Looks like a link inside a sentence; loads the same page again. */
export function ReloadButton({ children }: { readonly children: string }) {
  return (
    <button type="button" className="text-button" onClick={() => location.reload()}>
      {children}
    </button>
  );
}
