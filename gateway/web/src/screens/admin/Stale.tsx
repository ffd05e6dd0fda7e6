import { TriangleAlert } from 'lucide-react';

import { useErrorText, useT } from '../../app/hooks';
import type { ApiError } from '../../core/errors';
import { ICON_SMALL } from '../../theme/theme';
import styles from './Admin.module.css';

/** What was seen last stays, and says that it is not new. */
export function Stale({ error }: { error: ApiError }) {
  const t = useT();
  const text = useErrorText();
  return (
    <p className={styles['stale']} role="status">
      <TriangleAlert {...ICON_SMALL} />
      {t('admin.stale', { why: text(error) })}
    </p>
  );
}
