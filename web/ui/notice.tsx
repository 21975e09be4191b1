import type { ReactNode } from 'react';
import { Icon, type IconName } from './icon.tsx';

export type NoticeTone = 'calm' | 'good' | 'wait' | 'bad';

const icons: Readonly<Record<NoticeTone, IconName>> = {
  calm: 'shield',
  good: 'check',
  wait: 'clock',
  bad: 'warning',
};

interface NoticeProps {
  readonly tone: NoticeTone;
  readonly title: string;
  readonly children?: ReactNode;
}

/** Says what happened and what to do next. `bad` interrupts a screen reader, the others wait. */
export function Notice({ tone, title, children }: NoticeProps) {
  return (
    <div className="notice" data-tone={tone} role={tone === 'bad' ? 'alert' : 'status'}>
      <Icon name={icons[tone]} />
      <div className="notice-text">
        <p className="notice-title">{title}</p>
        {children}
      </div>
    </div>
  );
}
