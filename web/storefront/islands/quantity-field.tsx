import { Icon } from '../../ui/icon.tsx';
import { clampQuantity, quantityMaxPerLine } from '../choose-variant.ts';

interface QuantityFieldProps {
  readonly id: string;
  readonly label: string;
  readonly quantity: number;
  readonly available: number;
  readonly isDisabled?: boolean;
  readonly onChange: (quantity: number) => void;
}

/** A number with a button on each side. Without script the number alone still works in its form. */
export function QuantityField(props: QuantityFieldProps) {
  const { id, label, quantity, available, isDisabled = false, onChange } = props;
  const change = (wanted: number) => onChange(clampQuantity(wanted, available));
  return (
    <div className="quantity">
      <label className="visually-hidden" htmlFor={id}>
        {label}
      </label>
      <button
        type="button"
        aria-label="One less"
        disabled={isDisabled || quantity <= 1}
        onClick={() => change(quantity - 1)}
      >
        <Icon name="minus" />
      </button>
      <input
        id={id}
        name="quantity"
        type="number"
        inputMode="numeric"
        min={1}
        max={Math.max(1, Math.min(available, quantityMaxPerLine))}
        value={quantity}
        disabled={isDisabled}
        onChange={(event) => change(event.currentTarget.valueAsNumber)}
      />
      <button
        type="button"
        aria-label="One more"
        disabled={isDisabled || quantity >= Math.min(available, quantityMaxPerLine)}
        onClick={() => change(quantity + 1)}
      >
        <Icon name="plus" />
      </button>
    </div>
  );
}
