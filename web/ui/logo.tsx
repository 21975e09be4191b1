const burst =
  'M20 0l3.8 5.8L30 2.7l.5 6.9 6.9.5-3.1 6.2L' +
  '40 20l-5.7 3.7 3.1 6.2-6.9.5-.5 6.9-6.2-3.1L' +
  '20 40l-3.8-5.8L10 37.3l-.5-6.9-6.9-.5 3.1-6.2L' +
  '0 20l5.7-3.7-3.1-6.2 6.9-.5.5-6.9 6.2 3.1z';

/** The shop's mark: a door flung open, with light behind it. */
export function Logo() {
  return (
    <span className="logo">
      <svg className="logo-mark" viewBox="0 0 40 40" aria-hidden="true" focusable="false">
        <path className="logo-burst" d={burst} />
        <path className="logo-frame" d="M12 31V18a8 8 0 0 1 16 0v13z" />
        <path className="logo-door" d="M14.5 29.5V18.2c0-3-2.5-5-6-4.2v18.5z" />
        <path className="logo-light" d="M14.5 29.5V18a5.5 5.5 0 0 1 11 0v11.5z" />
        <circle className="logo-knob" cx="10.3" cy="24" r="1.1" />
      </svg>
      <span className="logo-word">Doorbuster</span>
    </span>
  );
}
