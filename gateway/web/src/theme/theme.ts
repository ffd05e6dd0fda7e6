// Mantine's theme, drawn from the same tokens, and the widths at which the layout changes.

import {
  Button,
  type ButtonProps,
  type CheckboxProps,
  createTheme,
  type CSSVariablesResolver,
  type DrawerProps,
  Input,
  type MantineColorsTuple,
  type MenuProps,
  type ModalProps,
  type PasswordInputProps,
  type PopoverProps,
} from '@mantine/core';

const teal: MantineColorsTuple = [
  '#e3f6f4',
  '#c5ebe8',
  '#97dbd5',
  '#63cbc3',
  '#3cc4ba',
  '#1ea39a',
  '#128a84',
  '#0b7a75',
  '#096762',
  '#07524e',
];

const red: MantineColorsTuple = [
  '#fdecec',
  '#f9d2d2',
  '#f3abab',
  '#ff8a84',
  '#e96a66',
  '#dc4a47',
  '#cf3534',
  '#c32a2a',
  '#a52222',
  '#861a1a',
];

const dark: MantineColorsTuple = [
  '#e7ecf1',
  '#aab5c1',
  '#93a0ae',
  '#6d7a88',
  '#3a4552',
  '#28303a',
  '#1e252d',
  '#161b21',
  '#11151a',
  '#0f1317',
];

export const theme = createTheme({
  colors: { teal, red, dark },
  primaryColor: 'teal',
  primaryShade: { light: 7, dark: 4 },
  autoContrast: true,
  black: '#1b2430',
  fontFamily: 'var(--font)',
  fontFamilyMonospace: 'var(--font-mono)',
  fontSizes: {
    xs: 'var(--text-12)',
    sm: 'var(--text-14)',
    md: 'var(--text-14)',
    lg: 'var(--text-16)',
    xl: 'var(--text-20)',
  },
  radius: {
    xs: 'var(--s1)',
    sm: 'var(--radius-field)',
    md: 'var(--radius)',
    lg: 'var(--radius-bubble)',
    xl: 'var(--radius-round)',
  },
  spacing: { xs: 'var(--s2)', sm: 'var(--s3)', md: 'var(--s4)', lg: 'var(--s6)', xl: 'var(--s8)' },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  headings: { fontWeight: '600' },
  components: {
    Button: Button.extend({ vars: (_, props) => ({ root: { ...buttonHeight(props), ...filled(props) } }) }),
    Input: Input.extend({
      vars: () => ({ wrapper: { '--input-height': 'var(--control)', '--input-fz': 'var(--body)' } }),
    }),
    // The label above, help below, the error under both.
    InputWrapper: Input.Wrapper.extend({
      defaultProps: { inputWrapperOrder: ['label', 'input', 'description', 'error'] },
      styles: {
        description: { marginTop: 'var(--s1)', lineHeight: 'var(--line-text)' },
        label: { marginBottom: 'var(--s1)' },
        error: { marginTop: 'var(--s1)', lineHeight: 'var(--line-text)' },
      },
    }),
    // By name, not by `extend`: whoever stands at the door need not load them.
    Modal: {
      defaultProps: { radius: 'md', overlayProps: { color: 'var(--scrim)', backgroundOpacity: 1 } } satisfies Partial<ModalProps>,
      styles: {
        title: {
          fontSize: 'var(--text-16)',
          fontWeight: 600,
          lineHeight: 'var(--line-title)',
          overflowWrap: 'anywhere',
          textWrap: 'pretty',
        },
      },
    },
    CloseButton: {
      vars: () => ({ root: { '--cb-size': 'var(--icon-button)', '--cb-icon-size': 'var(--s5)' } }),
    },
    Menu: {
      defaultProps: { radius: 'md', shadow: 'md' } satisfies Partial<MenuProps>,
      styles: { item: { minHeight: 'var(--control)', fontSize: 'var(--body)' } },
    },
    Popover: {
      defaultProps: { radius: 'md', shadow: 'md' } satisfies Partial<PopoverProps>,
      styles: { dropdown: { padding: 'var(--s2)' } },
    },
    PasswordInput: {
      defaultProps: { rightSectionWidth: 'var(--control)' } satisfies Partial<PasswordInputProps>,
      styles: {
        visibilityToggle: { width: 'var(--icon-button)', height: 'var(--icon-button)', color: 'var(--text-2)' },
      },
    },
    SegmentedControl: {
      styles: {
        label: {
          display: 'flex',
          alignItems: 'center',
          justifyContent: 'center',
          minHeight: 'calc(var(--control) - var(--s1))',
        },
      },
    },
    Checkbox: { styles: (_: unknown, { label }: CheckboxProps) => (label === undefined ? {} : LABELLED) },
    Drawer: {
      defaultProps: { overlayProps: { color: 'var(--scrim)', backgroundOpacity: 1 } } satisfies Partial<DrawerProps>,
    },
  },
});

/** Its text can be touched as well as its box. */
const LABELLED = {
  inner: { marginTop: 'calc((var(--control) - var(--s5)) / 2)' },
  label: { paddingBlock: 'calc((var(--control) - var(--s6)) / 2)', fontSize: 'var(--body)', lineHeight: 'var(--s6)' },
  description: { marginTop: 0, lineHeight: 'var(--line-text)' },
};

/** A finger high on the phone, small ones too. */
function buttonHeight({ size }: ButtonProps): Record<string, string> {
  return { '--button-height': `var(--${size === 'xs' ? 'control-small' : 'control'})` };
}

/** The one main act in the accent, what destroys in red, both with a text that can be read on them. */
function filled({ variant, color }: ButtonProps): Record<string, string> {
  if (variant !== undefined && variant !== 'filled') return {};
  const name = color === 'red' ? 'danger' : 'accent';
  return {
    '--button-bg': `var(--${name})`,
    '--button-hover': `var(--${name}-hover)`,
    '--button-color': `var(--on-${name})`,
  };
}

const SHARED = {
  '--mantine-color-body': 'var(--bg)',
  '--mantine-shadow-md': 'var(--shadow)',
  '--mantine-color-text': 'var(--text)',
  '--mantine-color-dimmed': 'var(--text-3)',
  '--mantine-color-placeholder': 'var(--text-3)',
  '--mantine-color-anchor': 'var(--accent-ink)',
  '--mantine-color-error': 'var(--danger)',
  '--mantine-color-default': 'var(--bg-field)',
  '--mantine-color-default-hover': 'var(--bg-hover)',
  '--mantine-color-default-color': 'var(--text)',
  '--mantine-color-default-border': 'var(--line-strong)',
  '--mantine-color-disabled': 'var(--bg-hover)',
  '--mantine-color-disabled-color': 'var(--text-3)',
  '--mantine-color-red-light-color': 'var(--danger)',
  '--mantine-color-red-light-hover': 'var(--danger-tint)',
  '--mantine-color-teal-light-color': 'var(--accent-ink)',
  '--mantine-color-teal-light-hover': 'var(--accent-tint)',
};

/** Mantine draws with our colours, so that one file decides. */
export const cssVariables: CSSVariablesResolver = () => ({ variables: {}, light: SHARED, dark: SHARED });

export type Width = 'phone' | 'tablet' | 'desk';

/** Least width of a layout in CSS pixels. */
export const WIDTHS: { width: Width; from: number }[] = [
  { width: 'desk', from: 1200 },
  { width: 'tablet', from: 768 },
  { width: 'phone', from: 0 },
];

export function widthOf(pixels: number): Width {
  return WIDTHS.find(({ from }) => pixels >= from)?.width ?? 'phone';
}

export const ICON = { size: 20, strokeWidth: 1.75 } as const;
/** Above a sentence that stands alone. */
export const ICON_STATE = { size: 40, strokeWidth: 1.25 } as const;
export const ICON_SMALL = { size: 16, strokeWidth: 1.75 } as const;

/** How many colours `--person-n` there are. */
export const PERSON_COLOURS = 8;
/** Nothing is shown for what is loaded faster than this. */
export const SKELETON_AFTER_MS = 150;
