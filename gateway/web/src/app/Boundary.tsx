// A fault in one screen does not take the page: it says so and offers a fresh start.

import { Button } from '@mantine/core';
import { CircleAlert } from 'lucide-react';
import { Component, type ReactNode } from 'react';
import { useLocation } from 'wouter';

import { Empty } from '../parts/States';
import { ICON_STATE } from '../theme/theme';
import { useT } from './hooks';
import { paths } from './paths';

interface BoundaryProps {
  /** Another place is another try. */
  place: string;
  children: ReactNode;
}

export class Boundary extends Component<BoundaryProps, { failedAt: string | undefined }> {
  override state = { failedAt: undefined as string | undefined };

  static getDerivedStateFromError(): { failedAt: string } {
    return { failedAt: '' };
  }

  override componentDidCatch(): void {
    this.setState({ failedAt: this.props.place });
  }

  override componentDidUpdate(before: BoundaryProps): void {
    // Going somewhere else is the way out that people try first.
    // oxlint-disable-next-line react/no-did-update-set-state
    if (this.state.failedAt !== undefined && before.place !== this.props.place) this.setState({ failedAt: undefined });
  }

  override render(): ReactNode {
    return this.state.failedAt === undefined ? this.props.children : <Fault />;
  }
}

function Fault() {
  const t = useT();
  const [path, navigate] = useLocation();
  return (
    <Empty title={t('app.fault')} hint={t('app.fault_hint')} icon={<CircleAlert {...ICON_STATE} />}>
      <Button onClick={() => location.reload()}>{t('app.reload')}</Button>
      {path !== paths.chats && (
        <Button variant="subtle" onClick={() => navigate(paths.chats)}>
          {t('common.go_home')}
        </Button>
      )}
    </Empty>
  );
}
