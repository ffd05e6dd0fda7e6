import { useCell, useClient, useMe } from '../../app/hooks';
import { usePresence } from '../../app/live';
import type { ConversationRow } from '../../core/wire';
import { Avatar, type AvatarSize, GroupAvatar } from '../../parts/Avatar';

/** The other's picture, or one made of the members. */
export function ConversationPicture({ row, size = 'm' }: { row: ConversationRow; size?: AvatarSize }) {
  const { people } = useClient();
  const me = useMe();
  const known = useCell(people.known);
  const presence = usePresence(row.peer_id);
  if (row.kind === 'direct') {
    const peer = row.peer_id ?? row.conversation_id;
    return <Avatar person={known.get(peer)} id={peer} size={size} online={presence?.online ?? false} />;
  }
  const others = row.member_ids.filter((id) => id !== me?.user_id);
  const members = others.map((id) => {
    const name = known.get(id)?.name;
    return name === undefined ? { id } : { id, name };
  });
  return <GroupAvatar people={members.length > 0 ? members : [{ id: row.conversation_id }]} size={size} />;
}
