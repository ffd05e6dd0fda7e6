// What one sees on each picture, looked at by a person: one line for each state and width.
import { ADMIN_CRITIQUES } from './admin';
import type { WidthName } from './state';
import { UPKEEP_CRITIQUES } from './upkeep';

export const CRITIQUES: Record<string, Partial<Record<WidthName, string>>> = {
  ...ADMIN_CRITIQUES,
  ...UPKEEP_CRITIQUES,
  // Conversations and what is said in them.
  conversations: {
    phone: 'What is new is bold, what was read is quiet; the draft shows itself. No sign yet that a row can be swiped or held.',
    desk: 'List and empty pane are calm; two thirds of the window only say "choose one", which a start page will fill.',
  },
  'conversations-empty': {
    phone: 'One sentence, one act. Could show three colleagues to begin with at once.',
    desk: 'The act stands in the list, the large pane is silent. A picture of what will stand there would be friendlier.',
  },
  'conversations-one': {
    phone: 'One row, one number, and the badge says the same. The rest is empty, and a first day may be.',
    desk: 'A list of one beside a pane that says how to find more. A greeting could stand there instead.',
  },
  'conversations-many': {
    phone: 'Stands still in the midst of a hundred and more; weekdays turn into dates by themselves. No way to jump but the search.',
    desk: 'Twice as dense would still be readable. Pictures of two people look alike in a long list.',
  },
  'conversations-loading': {
    phone: 'Rows stand where rows will stand, nothing jumps. Six of them leave the lower third empty.',
    desk: 'Same rows as the list has; the main pane waits in silence.',
  },
  'conversations-error': {
    phone: 'What, why, and one way on. The number for the administrator is in the sentence and not set apart.',
    desk: 'Fits the narrow list in two even lines; the main pane leaves the word to it.',
  },
  'conversations-error-details': {
    phone: 'The sentence is for everybody, the code below it for the administrator only; small and grey, as it should be.',
    desk: 'Code and sentence stand apart. It could be copied with one click.',
  },
  'chat-unread': {
    phone: 'Opens where reading goes on, long text and long address stay inside. The line of dots between quoted items would help.',
    desk: 'The unread line catches the eye first, as it should. The long address is raw; a preview card will shorten it.',
  },
  chat: {
    phone: 'Reads like what people know; read marks are small and clear. Every short pause still costs a time line.',
    desk: 'Two columns of talk with room between; own and other are told apart by side and tint. On very wide windows the sides drift apart.',
  },
  'chat-long': {
    phone: 'A long message fills the screen without a fold; eleven lines are about the limit before "show more" is wanted.',
    desk: 'Line length stays readable (560 px). Numbered lines are plain text, so wrapped lines do not hang.',
  },
  'chat-scrolled': {
    phone: 'The way back to the newest is under the thumb; it may cover the end of a wide bubble.',
    desk: 'The pill is far from the eye but out of the way; beginning of the talk says so in a quiet line.',
  },
  'chat-older-loading': {
    phone: 'Says it in a pill over the talk, nothing moves under the finger.',
    desk: 'In the middle on top; the talk below keeps its place.',
  },
  'chat-older-failed': {
    phone: 'Sentence and act in one pill of a finger’s height; the talk stays.',
    desk: 'The same pill; it lies over the end of a long bubble until one acts.',
  },
  'chat-outbox-full': {
    phone: 'Five hundred wait and it still scrolls; the note says what to do, and what was typed stays typed. It covers the name for two seconds.',
    desk: 'The note is red and in the middle; the list beside does not say that so many wait.',
  },
  'chat-typing': {
    phone: 'Typing is told in the head only, nothing moves in the talk. Dots in motion are left out on purpose.',
    desk: 'Same place as presence, so nothing jumps; easily missed when one looks at the composer.',
  },
  'chat-composing': {
    phone: 'Grows to eight lines and scrolls inside; the three buttons take a third of the width beside the text.',
    desk: 'Enough room for a real paragraph; the hint about Enter stays in view.',
  },
  'chat-too-long': {
    phone: 'Says by how much, in red, beside the field; the send button is off. The text itself does not show where it is too long.',
    desk: 'Clear, and nothing typed is cut. A file would be the better way for such a text, and it does not say so.',
  },
  'chat-emoji': {
    phone: 'Eight columns of finger-wide faces reach across the screen. No search, no recent ones yet.',
    desk: 'Compact, above its button. No search, no recent ones yet.',
  },
  'chat-failed': {
    phone: 'Red sign, the reason in words that say what to do, two acts a finger high.',
    desk: 'Reason and acts stand under the bubble; the list names it as well.',
  },
  'chat-discard': {
    phone: 'Names what will be lost by showing it. Undo instead of asking would be calmer still.',
    desk: 'Small dialog in the middle, safe choice first and focused.',
  },
  'chat-dissolved': {
    phone: 'The composer gives way to a sentence. "Unread" under a message of a dead talk is noise.',
    desk: 'Clear that it is over, history stays. The row in the list does not look closed.',
  },
  'chat-first': {
    phone: 'Picture and one sentence instead of a void; a greeting to tap would be friendlier.',
    desk: 'The same, with the cursor already in the field.',
  },
  'chat-loading': {
    phone: 'Looks like a talk before it is one, own side included; shown after 150 ms only.',
    desk: 'Bubbles of half the width are larger than real ones mostly are.',
  },
  'chat-error': {
    phone: 'The field still works although the history did not load; the message would wait in line.',
    desk: 'One icon, one sentence, one button; nothing red shouts.',
  },
  'chat-gone': {
    phone: 'What was typed is given back in a box of its own, and copying it is the main act.',
    desk: 'Honest and recoverable, copying first, going back second. The box is as wide as the text, which looks accidental.',
  },
  'chat-sending': {
    phone: 'A clock beside the bubble, nothing blinks. It appears even for half a second on a slow line.',
    desk: 'The same clock; the list already shows the talk at its place.',
  },
  'chat-files': {
    phone: 'Pictures keep their shape, a file says its kind and size, a long name keeps its end. All files have one icon.',
    desk: 'Pictures stay small enough to read around them. Two files in a row could share one card.',
  },
  'chat-picture': {
    phone: 'The picture has the whole width, name and acts stand in one line above it. No zoom by two fingers of our own yet.',
    desk: 'Never blown up beyond its size, closed by Escape. No way to the next picture.',
  },
  'chat-picture-failed': {
    phone: 'The box keeps its place and is itself the way to try again.',
    desk: 'The same; the name of the picture is not seen until it is there.',
  },
  'chat-file-gone': {
    phone: 'Says which picture it was and that it is gone; nothing to press. A file says so only when it is asked for.',
    desk: 'The same. It does not say why, since the server does not.',
  },
  'chat-uploads': {
    phone: 'What goes, what was refused and why, and what may be tried again, each in two lines; three fit before it scrolls.',
    desk: 'One line of acts at the right of each; the list beside it says that something was not sent.',
  },
  'chat-drop': {
    desk: 'The whole conversation takes it and says whose it is; the talk shows faintly through.',
  },
  'not-found': {
    phone: 'Says it and leads back. The tabs are gone, so the button is the only way.',
    desk: 'The list stays, so one is not lost at all.',
  },
  // What a conversation is.
  'details-direct': {
    phone: 'Little on the screen, but what is there is right; shared files will come here.',
    desk: 'Narrow pane beside the talk, which keeps its width. Much empty space below one button.',
  },
  'details-discussion': {
    phone: 'Owner first, acts on the right, presence at the picture. Job titles are left out and would help in large groups.',
    desk: 'Ten members fit but for the last; leaving is below them where nobody hits it by accident.',
  },
  'details-member': {
    phone: 'The same page without pencil, dots and dissolving: nothing that would be refused.',
    desk: 'Adding is offered to everybody, as the rules have it; the owner is named at the right.',
  },
  'details-loading': {
    phone: 'Name and acts are there at once, only the members wait, in the shape they will have.',
    desk: 'The same in the narrow pane.',
  },
  'details-error': {
    phone: 'The fault stays where the members would be; leaving still works.',
    desk: 'The same; the error is wide for so narrow a pane and still fits.',
  },
  'details-many': {
    phone: 'Sixty rows scroll as one; the acts of leaving are far below. A search among members is missing.',
    desk: 'The same in the pane beside the talk.',
  },
  'details-leaving': {
    phone: 'Bots, then leaving and dissolving at the end, in red words, apart from the rest.',
    desk: 'The same at the foot of the pane. Two red words above each other weigh the same, though one is final.',
  },
  'details-member-menu': {
    phone: 'Two acts a finger high, the dangerous one red and last.',
    desk: 'Opens beside its dots; enough contrast against the list.',
  },
  'details-rename': {
    phone: 'The error takes the place of the help, so nothing below moves. The picture above is of no use meanwhile.',
    desk: 'Form in place of the name, small buttons; the count of members below hangs a little lost.',
  },
  'details-transfer': {
    phone: 'Says what changes for whom in one line; not red, because it can be given back.',
    desk: 'Same dialog in the middle; it could name the discussion as well.',
  },
  'details-remove': {
    phone: 'Long names wrap inside the title with room for the cross.',
    desk: 'Names person and place; consequence in one line.',
  },
  'details-leave': {
    phone: 'Tells an owner what happens to the ownership before leaving.',
    desk: 'The same. The heir could be named, since the server knows.',
  },
  'details-dissolve': {
    phone: 'The long name wraps evenly; the final words stand last. The title repeats a name of two lines.',
    desk: 'Final act, final words, red button away from the safe one.',
  },
  'details-dissolve-failed': {
    phone: 'The error stands between the question and the buttons, nothing moves, both can be pressed again.',
    desk: 'The same; the number for the administrator is in the sentence.',
  },
  'details-add-members': {
    phone: 'The list takes the screen, the button stays under the thumb. Initials find names nobody meant ("zh" finds Zihan).',
    desk: 'List of fixed height, so the dialog does not jump while searching; the last row is cut to say that it scrolls.',
  },
  // Before one is in.
  'sign-in': {
    phone: 'Nothing but the task. The lower half is empty, which is where the keyboard comes.',
    desk: 'A card in the middle; plain, fast, no picture to load. The company’s own name could stand here.',
  },
  'sign-in-error': {
    phone: 'The sentence has its room beforehand, nothing moves when it comes. Password stays typed.',
    desk: 'The error stands between fields and button, where the eye goes next.',
  },
  'sign-in-failed': {
    phone: 'The server’s fault is not called a wrong password; everything stays typed.',
    desk: 'The sentence has its room beforehand, so the card keeps its height.',
  },
  'sign-in-expired': {
    phone: 'Says why one is here again and that nothing is lost; login filled in.',
    desk: 'The same; the place one was at comes back after it.',
  },
  'first-password': {
    phone: 'Greets by name and asks for two fields only; the rule stands under the field from the start.',
    desk: 'Short and clear. Strength is not shown, only the rule.',
  },
  'first-password-errors': {
    phone: 'Both errors at once, each at its field, help replaced and not doubled.',
    desk: 'Red text in the fields is strong together with the red frames; one of them would do.',
  },
  'no-company': {
    phone: 'Tells a lost visitor where the link is; nothing to tap, rightly.',
    desk: 'A small card with two sentences. Could show what the printed link looks like.',
  },
  setup: {
    phone: 'Four fields and one button on one screen without scrolling.',
    desk: 'A calm first impression; help under three of the four fields makes it a little long.',
  },
  'setup-errors': {
    phone: 'Errors stand where help stood. A Chinese login is accepted, though hint and habit say letters.',
    desk: 'First wrong field has the focus. A required field is not marked before one fails.',
  },
  'setup-no-token': {
    phone: 'Says what is missing and where it is; nothing to do on this page.',
    desk: 'The same in a card.',
  },
  'setup-done': {
    phone: 'What is so, what to do, whom to ask; the one way on spans the width.',
    desk: 'The same in a card.',
  },
  starting: {
    phone: 'After two seconds of silence one line says what is going on. Nothing to press, as it goes on by itself.',
    desk: 'The same in a card; it does not say since when.',
  },
  fault: {
    phone: 'Says what usually helps and leads back as well; the tabs are gone with the page.',
    desk: 'Only the pane is lost, rail and list go on. It does not say what was wrong, and nobody could use that.',
  },
  'server-away': {
    phone: 'Names the trouble, promises what is kept, tries by itself. No count until the next try.',
    desk: 'The same in a card; "check the network" is said even when only the server is away.',
  },
  'clock-wrong': {
    phone: 'One amber line that can be closed; the list below shows the server’s time.',
    desk: 'One line across the window, closed with one click; it does not say by how much.',
  },
  'plain-http': {
    phone: 'Two even lines in grey, no warning colour: what is off is nobody’s fault here. Said once on a device.',
    desk: 'One line across the window, closed for good with one click.',
  },
  'storage-refused': {
    phone: 'The sentence takes two even lines; important enough for them.',
    desk: 'One line, can be closed, comes back with the next page.',
  },
  // Colleagues.
  directory: {
    phone: 'Letters at the edge as in every address book; long jobs are cut with dots. The letters are narrow for thumbs.',
    desk: 'Dense enough for 141 people; no departments yet, so one long list.',
  },
  'directory-search': {
    phone: 'Initials, pinyin, characters in one field. What matched is not marked.',
    desk: 'Same field, same order. The pane beside it keeps asking to choose.',
  },
  'directory-no-match': {
    phone: 'Repeats what was searched. An administrator could be offered to add that person.',
    desk: 'The same in the narrow list, with an icon instead of a void.',
  },
  'directory-loading': {
    phone: 'Rows below the field, which can already be typed in.',
    desk: 'The same; the letters at the edge come with the people.',
  },
  'directory-error': {
    phone: 'Same shape as every other error, under a search field that is of no use now.',
    desk: 'Fits the list; retry is the only thing to do.',
  },
  'directory-alone': {
    phone: 'The first administrator sees the one thing to do. Their own row above is a little lonely.',
    desk: 'Invitation in the list; the wide pane says "choose a colleague" when there is none.',
  },
  person: {
    phone: 'Who, what, and one wide button within reach; resetting a password stands back.',
    desk: 'A short card at the top of a wide pane; shared talks and files will fill it.',
  },
  'person-long': {
    phone: 'Long name and job wrap, nothing is cut.',
    desk: 'Everything in full width; initials for a Latin name.',
  },
  'person-self': {
    phone: 'Says that it is you. No way from here to the own settings.',
    desk: 'The same; the button to the own settings is missing.',
  },
  'person-loading': {
    phone: 'Two grey rows where picture and facts will be; the shape is only roughly theirs.',
    desk: 'In the column of the card, so nothing jumps sideways when it comes.',
  },
  'person-error': {
    phone: 'Same shape as every other error; the way back is on top.',
    desk: 'In the middle of the pane, while the list beside it goes on by itself.',
  },
  'person-nobody': {
    phone: 'An icon, one sentence, the likely cause.',
    desk: 'The same; the list beside it is the way on.',
  },
  'person-reset': {
    phone: 'Says what the reset does at once; red, because the old password dies.',
    desk: 'Small dialog, person named in the title.',
  },
  'person-disabling': {
    phone: 'Says what happens at once and that nothing is lost; the reason has the focus. The keyboard will cover the buttons on a small phone.',
    desk: 'Small dialog, person named in the title, red act at the end. Reasons that were given before could be offered.',
  },
  'person-disabling-errors': {
    phone: 'The error stands in the place of the help, nothing moves.',
    desk: 'The same; the example in the field turns red with it, which is one red too many.',
  },
  'person-disabled': {
    phone: 'Quiet word under the name, one way back. Since when and why stand only in the list.',
    desk: 'The same; a disabled picture could be grey.',
  },
  'disabled-accounts': {
    phone: 'Who, since when, why, one button each. A long reason is cut and cannot be read whole here.',
    desk: 'One column of readable width beside the directory. No search yet, for a company in which many have left.',
  },
  'disabled-accounts-none': {
    phone: 'One sentence, nothing to do. The lower part is empty, as it should be.',
    desk: 'The same, in the dark too.',
  },
  'disabled-accounts-loading': {
    phone: 'Rows stand where rows will stand.',
    desk: 'Three rows; the button of each row has no shape of its own yet.',
  },
  'disabled-accounts-error': {
    phone: 'What, why, and one way on.',
    desk: 'In the middle of the wide pane; the directory beside it goes on working.',
  },
  'add-one': {
    phone: 'Three fields, one box, one button; the switch to a list is on top.',
    desk: 'Dialog of 520 px over the directory; the button is at the end of the path of the eye.',
  },
  'add-one-errors': {
    phone: 'Errors in the place of help. Two red fields and one grey one: clear which to mend.',
    desk: 'The first wrong field has the focus.',
  },
  'add-one-taken': {
    phone: 'The answer of the server stands at the field it is about; the rest stays typed.',
    desk: 'The same. Whose account it is could be said, since it is in the directory.',
  },
  'add-one-failed': {
    phone: 'The fault has its line above the button, and nothing typed is lost.',
    desk: 'The same; nothing moves when it comes.',
  },
  'add-many-failed': {
    phone: 'The list stays in the field, the fault above the button; sending again adds nobody twice.',
    desk: 'The same in the dialog.',
  },
  'add-many': {
    phone: 'Takes what a table gives, tabs included; counts lines. Columns do not line up in a proportional font.',
    desk: 'The same. A preview of who would be added is missing.',
  },
  'credentials-many': {
    phone: 'One card a person, each to copy; the lines that failed follow with number and reason.',
    desk: 'Reads as a sheet and prints as one; cards in one column make it long for fifty people.',
  },
  'credentials-one': {
    phone: 'Once only, and it says so. Copying is the main act; the three others have one weight.',
    desk: 'Everything one hands over in one box with its act inside; the rest of the pane is empty.',
  },
  'add-no-right': {
    phone: 'Says who can. Leads back by the cross only.',
    desk: 'A dialog for one sentence; the administrators could be named.',
  },
  'new-discussion': {
    phone: 'Name, search, list and button in one screen, button at the thumb.',
    desk: 'Fixed height, no jump; says how many are needed while the button is off.',
  },
  'new-discussion-chosen': {
    phone: 'Chosen ones wrap in two lines and can be taken back there. Search text stays after choosing.',
    desk: 'Chips of very different length look restless; complete, though.',
  },
  switcher: {
    phone: 'Full screen with the keyboard up; hints about keys are left out.',
    desk: 'Conversations at once, keys named below. Last message is not shown, so namesakes look alike.',
  },
  'switcher-loading': {
    phone: 'Three grey rows instead of an empty sheet; typing works already.',
    desk: 'The same, and the keys are named below from the start. The dialog grows when the rows come.',
  },
  'switcher-search': {
    phone: 'Finds by initials; people and chats look alike, which is meant.',
    desk: 'First hit chosen, Enter opens. What matched is not marked.',
  },
  'switcher-none': {
    phone: 'One quiet line. Could offer to search messages once that exists.',
    desk: 'The same; the dialog shrinks, which moves its lower edge.',
  },
  // Oneself, and the connection.
  me: {
    phone: 'Short list, large targets, signing out apart. The lower half is empty.',
    desk: 'Menu left, page right; the page of facts uses a third of its width.',
  },
  profile: { phone: 'Facts in two columns. Nothing can be changed here yet, and it does not say who could.' },
  sessions: {
    phone: 'Each device with its times, lines break between facts only. "Signed in" and "last used" are often the same.',
    desk: 'One row each, own device marked in green and words. A device without a name is called so.',
  },
  'sessions-one': {
    phone: 'Says that this is the only one, instead of an inert button; the answer came as a short note.',
    desk: 'The same. Quiet and finished.',
  },
  'sessions-loading': {
    phone: 'Three rows in the shape of what comes; the blocks are larger than the icons will be.',
    desk: 'The same across the pane.',
  },
  'sessions-error': {
    phone: 'Same shape as every other error, near the top of the page.',
    desk: 'The same; left empty below.',
  },
  password: {
    phone: 'Three fields, rule under the one it is for. Says nothing of what happens to other devices before it happened.',
    desk: 'Narrow form in a wide pane, as forms should be.',
  },
  'password-errors': {
    phone: 'The server’s answer stands at its field; the rest stays typed.',
    desk: 'The same.',
  },
  preferences: {
    phone: 'Choices of a finger’s height, hint under the one that needs it.',
    desk: 'Compact. Language names are in their own language.',
  },
  'sign-out': {
    phone: 'Says what stays on the device. Red for something that harms nothing is a little strong.',
    desk: 'The same over the menu.',
  },
  english: {
    phone: 'Whole in English; names and jobs stay Chinese, as data do.',
    desk: 'Times, marks and hints follow. Dates such as "Yesterday" are longer than the Chinese ones and still fit.',
  },
  toast: {
    phone: 'A short note over the head, gone by itself. It covers the title for two seconds.',
    desk: 'In the middle on top, in nobody’s way.',
  },
  offline: {
    phone: 'One amber line that says what still works; nobody is called online meanwhile.',
    desk: 'The same across the window; the talk stays readable and writable.',
  },
  'offline-list': {
    phone: 'The line says what still works; drafts and failed ones keep their marks, nobody is called online.',
    desk: 'The same across the window; the list can be read and opened.',
  },
  'offline-directory': {
    phone: 'Searching goes on among those who are loaded. Pinyin needs the server, and that is not said.',
    desk: 'The same; the pane beside still asks to choose.',
  },
  'offline-sessions': {
    phone: 'The banner tells the cause, the page what is missing; trying again is the one act.',
    desk: 'The page opens although it was never opened with a network.',
  },
  'offline-form': {
    phone: 'Everything stays typed, the reason stands above the button.',
    desk: 'The same; the button could wait for the network by itself.',
  },
  'origin-refused': {
    phone: 'Red, because nothing will come until somebody acts; the administrator is named.',
    desk: 'One line; the addresses that would be accepted are not told here.',
  },
  displaced: {
    phone: 'Says why nothing comes any more and how to come back; two even lines.',
    desk: 'One line with the act in it.',
  },
  reconnecting: {
    phone: 'Comes after a second and a half only; who is impatient can hurry it.',
    desk: 'The same; everything else stays as it was.',
  },
};
