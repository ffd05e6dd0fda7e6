import { Checkbox, type MantineColorScheme, useMantineColorScheme } from '@mantine/core';

import { chooseSound, sound } from '../../app/chime';
import { useCell, useT } from '../../app/hooks';
import { canNotify, chooseNotices, type NoticeChoice, notices } from '../../app/notices';
import { chooseLanguage, type Language, language, LANGUAGES } from '../../i18n';
import { Choice } from '../../parts/Choice';
import { say } from '../../parts/toast';
import '../../i18n/preferences';

export function Preferences() {
  const t = useT();
  const code = useCell(language);
  const withSound = useCell(sound);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <>
      <Choice<MantineColorScheme>
        title={t('preferences.scheme')}
        value={colorScheme}
        onChange={setColorScheme}
        options={[
          ['auto', t('preferences.scheme_auto')],
          ['light', t('preferences.scheme_light')],
          ['dark', t('preferences.scheme_dark')],
        ]}
      />
      <Choice<Language>
        title={t('preferences.language')}
        value={code}
        onChange={chooseLanguage}
        options={LANGUAGES.map(({ code: value, name }) => [value, name])}
      />
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
    <Choice<NoticeChoice>
      title={t('preferences.notices')}
      hint={t(canNotify() ? 'preferences.notices_hint' : 'preferences.notices_missing')}
      value={choice}
      disabled={!canNotify()}
      onChange={(value) => void choose(value)}
      options={[
        ['off', t('preferences.notices_off')],
        ['name', t('preferences.notices_name')],
        ['text', t('preferences.notices_text')],
      ]}
    />
  );
}
