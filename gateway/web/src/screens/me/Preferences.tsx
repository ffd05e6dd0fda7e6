import { Checkbox, type MantineColorScheme, SegmentedControl, useMantineColorScheme } from '@mantine/core';

import { chooseSound, sound } from '../../app/chime';
import { useCell, useT } from '../../app/hooks';
import { canNotify, chooseNotices, type NoticeChoice, notices } from '../../app/notices';
import { chooseLanguage, type Language, language, LANGUAGES } from '../../i18n';
import { say } from '../../parts/toast';
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
      <Notices />
      <Checkbox
        label={t('preferences.sound')}
        description={t('preferences.sound_hint')}
        checked={withSound}
        onChange={(event) => chooseSound(event.currentTarget.checked)}
      />
    </>
  );
}

function Notices() {
  const t = useT();
  const choice = useCell(notices);
  const choose = async (wanted: NoticeChoice) => {
    if ((await chooseNotices(wanted)) !== wanted) say(t('preferences.notices_refused'), 'danger');
  };
  return (
    <div className={styles['choice']}>
      <h2 className={styles['label']} id="choice-notices">
        {t('preferences.notices')}
      </h2>
      <SegmentedControl
        aria-labelledby="choice-notices"
        value={choice}
        disabled={!canNotify()}
        onChange={(value) => void choose(value as NoticeChoice)}
        data={[
          { value: 'off', label: t('preferences.notices_off') },
          { value: 'name', label: t('preferences.notices_name') },
          { value: 'text', label: t('preferences.notices_text') },
        ]}
      />
      <p className={styles['hint']}>{t(canNotify() ? 'preferences.notices_hint' : 'preferences.notices_missing')}</p>
    </div>
  );
}
