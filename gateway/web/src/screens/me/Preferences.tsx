import { Checkbox, type MantineColorScheme, SegmentedControl, useMantineColorScheme } from '@mantine/core';

import { chooseSound, sound } from '../../app/chime';
import { useCell, useT } from '../../app/hooks';
import { chooseLanguage, type Language, language, LANGUAGES } from '../../i18n';
import styles from './Me.module.css';

export function Preferences() {
  const t = useT();
  const code = useCell(language);
  const withSound = useCell(sound);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <>
      <div className={styles['choice']}>
        <h2 className={styles['label']} id="choice-scheme">
          {t('preferences.scheme')}
        </h2>
        <SegmentedControl
          aria-labelledby="choice-scheme"
          value={colorScheme}
          onChange={(value) => setColorScheme(value as MantineColorScheme)}
          data={[
            { value: 'auto', label: t('preferences.scheme_auto') },
            { value: 'light', label: t('preferences.scheme_light') },
            { value: 'dark', label: t('preferences.scheme_dark') },
          ]}
        />
      </div>
      <div className={styles['choice']}>
        <h2 className={styles['label']} id="choice-language">
          {t('preferences.language')}
        </h2>
        <SegmentedControl
          aria-labelledby="choice-language"
          value={code}
          onChange={(value) => chooseLanguage(value as Language)}
          data={LANGUAGES.map(({ code: value, name }) => ({ value, label: name }))}
        />
      </div>
      <Checkbox
        label={t('preferences.sound')}
        description={t('preferences.sound_hint')}
        checked={withSound}
        onChange={(event) => chooseSound(event.currentTarget.checked)}
      />
    </>
  );
}
