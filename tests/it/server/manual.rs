//! A stranger can write a client from the manual: the one in `docs/examples` was, and it works.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use world::{Person, Process};

#[tokio::test]
async fn a_program_written_from_the_manual_alone_talks_to_the_real_binary() {
    let process = Process::start().await;
    let zhang = process.company("超客").await.admin("张三").await;
    let li = zhang.adds("李四").await;
    let client = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/client.py");
    let mut program = Command::new("python3")
        .arg(client)
        .arg(format!("http://{}", process.wire().address()))
        .args([&zhang.login, Person::PASSWORD, "lisi", "你好，李四"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("python3 is there (scripts/lib.sh installs it)");
    assert_eq!(li.sees("你好，李四").await["author_id"], zhang.id.as_str());
    let mut lines = BufReader::new(program.stdout.take().expect("piped")).lines();
    let told = async {
        while let Some(line) = lines.next_line().await.expect("a line") {
            if line.contains("message.created") {
                return line;
            }
        }
        panic!("the program was told nothing");
    };
    assert!(told.await.contains("你好，李四"));
}
