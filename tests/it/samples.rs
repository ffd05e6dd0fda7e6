//! Valid parameters for every method of the table, in a small company. A method without a sample fails the
//! loops of `table`.

use serde_json::{Value, json};
use world::{Person, Setup, Tokens, World};

/// A company of three: an administrator, a member with things of his own, an onlooker of the same company.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) admin: Person,
    pub(crate) member: Person,
    pub(crate) onlooker: Person,
    /// A discussion of the member (its owner) and the administrator, with a message.
    pub(crate) group: String,
    /// An upload of the member that is not finished, though all of it is there.
    pub(crate) upload: String,
    /// A file that the member sent to the discussion.
    pub(crate) file: String,
    /// A further session of the member.
    pub(crate) session: Tokens,
    /// One who left the company.
    pub(crate) gone: Person,
    /// Something that the server could not do.
    pub(crate) letter: String,
    /// A bot of the discussion.
    pub(crate) bot: String,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::of(Setup::memory()).await
    }

    /// The same in another world.
    pub(crate) async fn of(setup: Setup) -> Self {
        let world = setup.start().await;
        let admin = world.company("超客").admin("张三").await;
        let (member, onlooker) = (admin.adds("李四").await, admin.adds("王五").await);
        let group = member.gathers(&[&admin], "项目组").await;
        admin.says(&group, "你好").await;
        let upload = member.begins_upload("报价.txt", 6).await;
        member.puts(&upload, 0, "报价".as_bytes()).await.ok();
        let file = member.uploads("合同.txt", "合同".as_bytes()).await;
        member.sends_file(&group, &file).await;
        let file = file["file_id"].as_str().expect("an id").to_owned();
        let session = member.signs_in().await;
        let gone = admin.adds("赵六").await;
        let left = json!({"user_id": gone.id, "reason": "已离职"});
        admin.does("space.disable_member", left).await;
        let letter = crate::admin::a_job_gave_up(&world).await;
        let bot = json!({"conversation_id": group, "name": "发布"});
        let bot = member.does("bot.create", bot).await["bot"]["bot_id"].clone();
        let bot = bot.as_str().expect("an id").to_owned();
        Self {
            world,
            admin,
            member,
            onlooker,
            group,
            upload,
            file,
            session,
            gone,
            letter,
            bot,
        }
    }

    /// Parameters with which the member (the administrator, where it takes one) may call the method.
    pub(crate) fn sample(&self, method: &str) -> Value {
        let here = json!({"conversation_id": self.group});
        let with = |person: &Person| json!({"conversation_id": self.group, "user_id": person.id});
        match method {
            "account.change_password" => {
                json!({"old_password": self.member.password, "new_password": "新的密码2026"})
            }
            admin if admin.starts_with("admin.") => self.sample_of_admin(admin),
            "bot.create" => json!({"conversation_id": self.group, "name": "构建", "signed": true}),
            "bot.list" => here,
            "bot.remove" => json!({"conversation_id": self.group, "bot_id": self.bot}),
            "bot.renew" => {
                json!({"conversation_id": self.group, "bot_id": self.bot, "at_once": true})
            }
            "connection.open" => self.opening(),
            "connection.renew" => json!({"token": self.member.tokens().access}),
            "conversation.add_members" => {
                json!({"conversation_id": self.group, "user_ids": [self.onlooker.id]})
            }
            "conversation.create_discussion" => {
                json!({"user_ids": [self.admin.id, self.onlooker.id], "name": "新组"})
            }
            "conversation.dissolve"
            | "conversation.get"
            | "conversation.leave"
            | "conversation.typing" => here,
            "conversation.list" => json!({"limit": 10}),
            "conversation.mark_read" => json!({"conversation_id": self.group, "seq": 2}),
            "conversation.members" => json!({"conversation_id": self.group, "limit": 10}),
            "conversation.open_direct" => json!({"user_id": self.admin.id}),
            "conversation.remove_member" | "conversation.transfer" => with(&self.admin),
            "conversation.rename" => json!({"conversation_id": self.group, "name": "新名"}),
            "directory.get" => json!({"user_ids": [self.admin.id]}),
            "directory.search" => json!({"query": "张", "limit": 5}),
            "file.begin" => json!({"name": "照片.png", "size": 70_000, "purpose": "message"}),
            "file.finish" => json!({"upload_id": self.upload}),
            "file.links" => json!({"conversation_id": self.group, "file_ids": [self.file]}),
            "message.list" => json!({"conversation_id": self.group, "after": 0, "limit": 10}),
            "message.send" => {
                json!({"conversation_id": self.group, "client_msg_id": self.world.wire().fresh("m"), "text": "你好"})
            }
            "presence.watch" => json!({"user_ids": [self.admin.id]}),
            "session.list" | "session.revoke_others" | "setup.state" => json!({}),
            "session.refresh" | "session.sign_out" => {
                json!({"refresh_token": self.session.refresh})
            }
            "session.revoke" => json!({"session_id": self.session.session_id}),
            "session.sign_in" => json!({
                "login": self.member.login, "password": self.member.password,
                "device_name": "电脑", "device_id": "d", "cookie": false,
            }),
            "setup.complete" => json!({
                "token": self.world.setup_token(), "company_name": "超客", "name": "张三",
                "login": "zhangsan", "password": Person::PASSWORD, "device_name": "电脑", "cookie": false,
            }),
            "space.add_member" => {
                json!({"name": "赵六", "login": self.world.wire().fresh("zhao"), "role": "member", "title": "经理"})
            }
            "space.add_members" => {
                json!({"text": format!("赵六 {}", self.world.wire().fresh("zhao"))})
            }
            "space.disable_member" => json!({"user_id": self.onlooker.id, "reason": "已离职"}),
            "space.disabled_members" => json!({"limit": 10}),
            "space.enable_member" => json!({"user_id": self.gone.id}),
            "space.members" | "space.admins" => json!({"limit": 10}),
            "space.update_member" => {
                json!({"user_id": self.onlooker.id, "name": "王五", "title": "销售经理", "role": "admin"})
            }
            "space.reset_credential" => json!({"user_id": self.onlooker.id}),
            other => panic!("{other} has no sample in tests/it/samples.rs"),
        }
    }

    fn sample_of_admin(&self, method: &str) -> Value {
        match method {
            "admin.audit.list" => json!({
                "limit": 2, "user_id": self.gone.id, "method": "space.disable_member", "from": 0,
                "until": 4_000_000_000_000_u64,
            }),
            "admin.audit.export" => json!({
                "user_id": self.gone.id, "method": "space.disable_member", "from": 0,
                "until": 4_000_000_000_000_u64, "language": "zh-CN", "zone": "+08:00",
            }),
            "admin.audit.methods" | "admin.overview.get" => json!({}),
            "admin.retention.get" | "admin.storage.get" => json!({}),
            "admin.storage.people" => json!({"limit": 10}),
            "admin.storage.preview" => json!({"file_days": 90}),
            "admin.storage.set" => json!({"quota_bytes": 10_737_418_240_u64, "file_days": 365}),
            "admin.retention.set" => json!({"audit_days": 365}),
            "admin.session.list" | "admin.session.revoke_all" => json!({"user_id": self.member.id}),
            "admin.session.revoke" => {
                json!({"user_id": self.member.id, "session_id": self.session.session_id})
            }
            "admin.dead_letter.list" => json!({"limit": 10}),
            "admin.dead_letter.retry" => json!({"letter_id": self.letter}),
            "admin.list.rebuild" | "admin.list.progress" | "admin.list.cancel" => json!({}),
            other => panic!("{other} has no sample in tests/it/samples.rs"),
        }
    }

    fn opening(&self) -> Value {
        let seen = Value::from_iter([(self.group.clone(), json!(0))]);
        json!({
            "token": self.member.tokens().access, "device_id": "d", "client": "world/1", "locale": "zh-CN",
            "self_seq": 0, "cursors": seen,
        })
    }
}
