import { PasswordInput, type PasswordInputProps } from '@mantine/core';

import { useT } from '../app/hooks';

/** A password field. The button that shows what was typed has a name that does not repeat the label. */
export function Secret(props: PasswordInputProps) {
  const t = useT();
  return <PasswordInput {...props} visibilityToggleButtonProps={{ 'aria-label': t('common.show') }} />;
}
