//! The second step: what a page says when the first one changed what it shows, or went wrong.

use crate::browser::{Browser, value};
use serde_json::{Value, json};
use support::world::{Actor, World};

/// What is found in a file on the page, by a browser of Ann.
fn found(browser: &Browser, file: &str) -> String {
    let answer = browser.post_file("/import", &[], "file", file.as_bytes()).expect(303);
    browser.follow(&answer).expect(200).text()
}

fn import(browser: &Browser, page: &str, fields: &[(&str, &str)]) {
    let form = [("step", "import"), ("key", value(page, "key"))];
    let form: Vec<_> = form.into_iter().chain(fields.iter().copied()).collect();
    browser.post("/import/found", &form).expect(303);
}

fn first(ann: &Actor, search: &str) -> Value {
    let search = percent_encoding::utf8_percent_encode(search, percent_encoding::NON_ALPHANUMERIC);
    ann.get(&format!("/api/contacts?search={search}")).expect(200).json()[0].clone()
}

#[test]
fn a_table_whose_columns_are_left_as_guessed_comes_in_as_by_the_api() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    // Nothing shows the order of these dates, and the header is not English: the day is first.
    let long = "Особливі прикмети ".repeat(20);
    let file = format!("Ім'я;Прізвище;Дата народж.;Клас;{long};Код\nОля;Коваль;5/6/1990;7;a;b\n");
    let page = found(&browser, &file);
    assert!(page.contains("are read as day/month/year"), "{page}");
    for member in ["First name", "Phone numbers (home)", "(only kept)"] {
        assert!(page.contains(&format!(">{member}</option>")), "{member}: {page}");
    }
    // A browser sends all columns, as they stand there.
    let columns = ["first_name", "last_name", "birthday", "", "", ""];
    let names: Vec<_> = (0..columns.len()).map(|at| format!("map.{at}")).collect();
    let fields: Vec<_> = names.iter().map(String::as_str).zip(columns).collect();
    import(&browser, &page, &fields);
    assert_eq!(first(&ann, "Коваль")["birthday"], "1990-06-05");
}

#[test]
fn columns_of_one_name_are_one_question_and_those_without_a_name_are_called_so() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann").reading("uk");
    let file = "Хто;Код;код;;Щось\nОля;ab;cd;ef;gh\n";
    let page = found(&browser, file);
    assert_eq!(page.matches("for=\"map.").count(), 4, "{page}");
    assert!(page.contains("<bdi>Без назви</bdi>"), "{page}");
    import(&browser, &page, &[("map.0", "first_name"), ("map.1", "labels")]);
    assert_eq!(first(&ann, "Оля")["labels"], json!(["ab", "cd"]));
}

#[test]
fn what_cannot_be_read_of_a_file_is_seen_before_it_is_imported() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let page = found(&browser, r#"[{"first_name": "Fritz"}, {"nick": 1}, 7]"#);
    for text in ["Fritz", "nothing in it that says who it is", "JSON object"] {
        assert!(page.contains(text), "{text}: {page}");
    }
}

#[test]
fn what_becomes_of_contacts_that_are_there_is_seen_before_it_is_done() {
    let world = World::new();
    let ann = world.user("ann");
    ann.post("/api/contacts", json!({"first_name": "Ada", "uid": "one"})).expect(201);
    let browser = Browser::signed_in(&world, "ann");
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:one\r\nFN:Ada\r\nNOTE:other\r\nEND:VCARD\r\n";
    let page = found(&browser, card);
    assert!(page.contains("name=\"step\" value=\"look\""), "{page}");
    let form = [("step", "look"), ("key", value(&page, "key")), ("existing", "update")];
    let page = browser.post("/import/found", &form).expect(200).text();
    assert!(page.contains("Import 1 contact") && page.contains(">changes<"), "{page}");
    assert!(page.contains("value=\"update\" selected"), "{page}");
}

/// Of a file everything that is odd is told, and in another language that is told too.
#[test]
fn what_is_odd_in_a_file_is_told_in_the_language_of_the_reader() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann").reading("uk");
    let card = |lines: &str| {
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nN:Ада;;;;\r\nFN:Ада\r\n{lines}\r\nEND:VCARD\r\n")
    };
    let twice = card("UID:u\r\nNOTE:a").replace("Ада", "Ева") + &card("UID:u\r\nNOTE:b");
    let same = card("UID:u\r\nNOTE:a") + &card("UID:u\r\nNOTE:b");
    for file in [
        "First Name;Last Name;Дата народж.;a;b;c\nОля;Коваль;5/6/1990;7;;\n".to_owned(),
        "First Name,Last Name\nОля,Коваль\nУсього,2\n".to_owned(),
        card("=?!"),
        card("PHOTO;ENCODING=b:!!!"),
        card("NOTE:=D0=9E=D0=BB=D1=8F"),
        card("AGENT:BEGIN:VCARD\\nFN:x\\nEND:VCARD"),
        card(&format!("ADR:;;{};;;;", "ю".repeat(300))),
        card(&format!("TEL:{}", "1".repeat(40))),
        twice,
        same,
        card("X-ADDRESSBOOKSERVER-KIND:group"),
        r#"[{"first_name": "Оля", "favourite": "x"}]"#.to_owned(),
        r#"[{"first_name": "Оля \ud800"}]"#.to_owned(),
        r#"[{"first_name": "Оля", "birthday": "31.31.1990", "emails": [{"value": "x"}]}]"#
            .to_owned(),
    ] {
        let answer = browser.post_file("/import", &[], "file", file.as_bytes());
        let page = browser.follow(&answer.expect(303)).expect(200).text();
        let rows = page.split("<tbody>").nth(1).unwrap().split("</tbody>").next().unwrap();
        println!("{rows}\n");
        for english in ["kept", " is ", " it ", "left out", "skipped", " the "] {
            assert!(!rows.contains(english), "{english}: {rows}");
        }
    }
}

#[test]
fn a_page_that_has_become_empty_is_not_taken_for_an_empty_book() {
    let world = World::new();
    let ann = world.user("ann");
    let card = |n: usize| {
        let twin = n % 60;
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Name {twin}\r\nN:{twin};Name;;;\r\nEMAIL:p{twin}@example.com\r\nNOTE:{n}\r\nCATEGORIES:all\r\nEND:VCARD\r\n"
        )
    };
    let file: String = (0..66).map(card).collect();
    let kind = [("Content-Type", "text/vcard")];
    ann.send("POST", "/api/contacts/import", &kind, file.as_bytes()).expect(200);
    let browser = Browser::signed_in(&world, "ann");
    let away = |path: &str, to: &str| {
        let answer = browser.get(path).expect(303);
        assert_eq!(answer.header("Location"), to, "{path}");
    };
    // The label is taken from all on its last page.
    let page = browser.get("/contacts?label=all&sort=-name").expect(200).text();
    let next = page.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let next = next.replace("&amp;", "&");
    let page = browser.get(&next).expect(200).text();
    let ids = page.split("name=\"ids\" value=\"").skip(1);
    let ids: Vec<_> = ids.map(|it| it.split('"').next().unwrap()).collect();
    assert_eq!(ids.len(), 16);
    let query = next.split_once('?').unwrap().1;
    let form = [("action", "remove_label"), ("label", "all"), ("query", query)];
    let form: Vec<_> = form.into_iter().chain(ids.iter().map(|id| ("ids", *id))).collect();
    let answer = browser.post("/contacts/bulk", &form).expect(303);
    let page = browser.follow(&answer).expect(200).text();
    assert!(page.contains("50 contacts") && page.contains("removed from 16"), "{page}");
    assert!(page.contains("value=\"-name\" selected") && page.contains(">Undo<"), "{page}");
    // All of a later page were merged, restored, deleted.
    away("/duplicates?skip=10", "/duplicates");
    away("/trash?skip=50", "/trash");
    away("/labels?after=zzz", "/labels");
    away("/history?before=1", "/history");
    // An empty book is one.
    let bob = Browser::signed_in(&world, {
        world.user("bob");
        "bob"
    });
    for path in ["/duplicates", "/trash", "/contacts", "/labels"] {
        bob.get(path).expect(200);
    }
    assert!(bob.get("/labels").text().contains("Nobody has a label yet"));
    world.admin("eve");
    let eve = Browser::signed_in(&world, "eve");
    let to = |path: &str| eve.get(path).expect(303).header("Location").to_owned();
    assert_eq!(to("/admin?search=exam&role=user&skip=30"), "/admin?search=exam&role=user");
    assert_eq!(to("/admin/events?action=login&skip=50"), "/admin/events?action=login");
    assert!(eve.get("/admin?search=none").expect(200).text().contains("Nothing found"));
}

#[test]
fn an_admin_comes_back_to_the_accounts_that_were_looked_for() {
    let world = World::new();
    let root = world.admin("root");
    let users: Vec<_> = (0..17).map(|n| world.user(&format!("user{n}"))).collect();
    let browser = Browser::signed_in(&world, "root");
    let page = browser.get("/admin?search=user&role=user&skip=15").expect(200).text();
    let query = value(&page, "query").replace("&amp;", "&");
    let path = format!("/admin/users/{}", users[16].id);
    let form = [("action", "disable"), ("query", query.as_str())];
    let answer = browser.post(&path, &form).expect(303);
    assert_eq!(answer.header("Location"), "/admin?search=user&role=user&skip=15");
    // Who thinks better of it comes back, too.
    let form = [("action", "delete"), ("query", query.as_str())];
    let page = browser.post(&path, &form).expect(422).text();
    assert!(page.contains("href=\"/admin?search=user&amp;role=user&amp;skip=15\""), "{page}");
    // Who did what is told by name as long as there is one.
    let page = browser.get("/admin/events?action=disabled").expect(200).text();
    assert!(page.contains(">user16</a>") && page.contains(">root</a>"), "{page}");
    let form = [("action", "delete"), ("sure", "1")];
    browser.post(&path, &form).expect(303);
    let page = browser.get("/admin/events?action=disabled").expect(200).text();
    assert!(page.contains(&format!(">#{}</a>", users[16].id)) && page.contains(">root</a>"));
    assert!(root.id > 0);
}

#[test]
fn whoever_opens_a_contact_that_was_deleted_is_shown_the_way_to_the_trash() {
    let world = World::new();
    let ann = world.user("ann");
    let made = ann.post("/api/contacts", json!({"first_name": "Ada"})).expect(201).json();
    let path = format!("/contacts/{}", made["id"]);
    ann.delete(&format!("/api{path}")).expect(204);
    let browser = Browser::signed_in(&world, "ann");
    for path in [format!("{path}/edit"), format!("{path}.vcf"), path] {
        let page = browser.get(&path).expect(404).text();
        let main = page.split("<main").nth(1).unwrap();
        assert!(main.contains("in the trash") && main.contains("href=\"/trash\""), "{main}");
    }
}

#[test]
fn the_first_fault_on_the_page_has_the_focus() {
    let world = World::new();
    world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let form = [("phones.0.value", "1"), ("emails.0.value", "x"), ("birthday", "soon")];
    let page = browser.post("/contacts/new", &form).expect(422).text();
    assert_eq!(page.matches(" autofocus").count(), 1, "{page}");
    let field = page.split(" autofocus").next().unwrap().rsplit("<input").next().unwrap();
    assert!(field.contains("name=\"first_name\""), "{field}");
    let form = [("first_name", "Ada"), ("phones.0.value", "1"), ("emails.0.value", "x")];
    let page = browser.post("/contacts/new", &form).expect(422).text();
    let field = page.split(" autofocus").next().unwrap().rsplit("<input").next().unwrap();
    assert!(field.contains("name=\"phones.0.value\""), "{field}");
    let page = browser.post_file("/contacts/new", &form[..1], "photo", b"none").expect(422).text();
    let field = page.split(" autofocus").next().unwrap().rsplit("<input").next().unwrap();
    assert!(field.contains("name=\"photo\""), "{field}");
}

#[test]
fn undo_comes_back_to_the_page_that_it_was_pressed_on() {
    let world = World::new();
    let ann = world.user("ann");
    let twin = |note: &str| json!({"first_name": "Ada", "email": "a@example.com", "additional_data": note});
    let ids: Vec<_> = ["1", "2"]
        .map(|note| ann.post("/api/contacts", twin(note)).json()["id"].to_string())
        .into();
    let browser = Browser::signed_in(&world, "ann");
    let undo = |answer: &support::world::Answer| {
        let page = browser.follow(answer).expect(200).text();
        let flash = page.split("action=\"/history/rewind\"").nth(1).expect("Undo");
        let form =
            ["to", "undo", "back"].map(|name| (name, value(flash, name).replace("&amp;", "&")));
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post("/history/rewind", &form).expect(303).header("Location").to_owned()
    };
    let merge = [("ids", ids[0].as_str()), ("ids", ids[1].as_str())];
    assert_eq!(undo(&browser.post("/duplicates/merge", &merge).expect(303)), "/duplicates");
    let query = "search=ada&sort=-created_at";
    let label = [("action", "add_label"), ("label", "x"), ("ids", &*ids[0]), ("query", query)];
    assert_eq!(
        undo(&browser.post("/contacts/bulk", &label).expect(303)),
        "/contacts?search=ada&sort=%2Dcreated%5Fat"
    );
    // No other place is one to come back to.
    let form = [("to", "1"), ("back", "//example.com")];
    let answer = browser.post("/history/rewind", &form).expect(303);
    assert_eq!(answer.header("Location"), "/contacts");
}

#[test]
fn a_merge_that_cannot_be_says_why_where_it_was_wanted() {
    let world = World::new();
    let ann = world.user("ann");
    let phones = |from: usize| {
        (0..30).map(|n| json!({"value": format!("+38067{}", from + n)})).collect::<Vec<_>>()
    };
    let twin =
        |from| json!({"first_name": "Ada", "email": "a@example.com", "phones": phones(from)});
    let ids: Vec<_> = [1_000_000, 2_000_000]
        .map(|from| ann.post("/api/contacts", twin(from)).json()["id"].to_string())
        .into();
    let browser = Browser::signed_in(&world, "ann");
    let merge = [("ids", ids[0].as_str()), ("ids", ids[1].as_str())];
    let answer = browser.post("/duplicates/merge", &merge).expect(303);
    assert_eq!(answer.header("Location"), "/duplicates");
    let page = browser.follow(&answer).expect(200).text();
    assert!(page.contains("Phone numbers: Would have 60 entries, 50 is the most"), "{page}");
    let chosen: Vec<_> = merge.into_iter().chain([("chosen", "1")]).collect();
    let answer = browser.post("/duplicates/merge", &chosen).expect(303);
    let page = browser.reading("uk");
    assert_eq!(answer.header("Location"), format!("/duplicates?ids={}", ids.join(",")));
    let answer = page.post("/duplicates/merge", &chosen).expect(303);
    let page = page.follow(&answer).expect(200).text();
    assert!(page.contains("Телефони: Записів стало б 60"), "{page}");
    assert!(page.contains("Об’єднати вибрані"), "{page}");
    // Of cards, too: one would be too long.
    let card = |letter: &str| {
        let lines = (0..8_000).map(|n| format!("X-{letter}-{n}:{}\r\n", letter.repeat(70)));
        let lines: String = lines.collect();
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Cyd\r\nUID:{letter}\r\n{lines}END:VCARD\r\n")
    };
    let kind = [("Content-Type", "text/vcard")];
    let file = ["Q", "Z"].map(card).concat();
    ann.send("POST", "/api/contacts/import", &kind, file.as_bytes()).expect(200);
    let found = ann.get("/api/contacts?search=Cyd").json();
    let ids = [0, 1].map(|at: usize| found[at]["id"].to_string());
    let browser = Browser::signed_in(&world, "ann");
    let merge = [("ids", ids[0].as_str()), ("ids", ids[1].as_str())];
    let answer = browser.post("/duplicates/merge", &merge).expect(303);
    assert_eq!(answer.header("Location"), "/duplicates");
    let page = browser.follow(&answer).expect(200).text();
    assert!(page.contains("Merge: Must have at most 1 MiB"), "{page}");
}

/// What a file brought may be longer than anybody may write; it is there to be chosen all the same.
#[test]
fn a_value_of_a_file_can_be_kept_when_two_are_merged() {
    let world = World::new();
    let ann = world.user("ann");
    let long = "Longname".repeat(16);
    let card = |name: &str| {
        format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nN:B;{name};;;\r\nFN:{name} B\r\nEMAIL:b@example.com\r\nEND:VCARD\r\n"
        )
    };
    for names in [["Short", &long], [&long, "Short"]] {
        let file = names.map(card).concat();
        let kind = [("Content-Type", "text/vcard")];
        ann.send("POST", "/api/contacts/import", &kind, file.as_bytes()).expect(200);
        let browser = Browser::signed_in(&world, "ann");
        let page = browser.get("/duplicates").expect(200).text();
        let ids: Vec<_> = page.split("name=\"ids\" value=\"").skip(1).collect();
        let ids: Vec<_> = ids.iter().map(|it| it.split('"').next().unwrap()).collect();
        let chosen = page.split("name=\"set.first_name\" value=\"").skip(1);
        let chosen = chosen.filter(|it| it.split('>').next().unwrap().contains("checked"));
        let chosen = chosen.last().unwrap().split('"').next().unwrap();
        let form = [("ids", ids[0]), ("ids", ids[1]), ("set.first_name", chosen)];
        let answer = browser.post("/duplicates/merge", &form).expect(303);
        let page = browser.follow(&answer).expect(200).text();
        assert!(page.contains("Merged."), "{page}");
        let found = first(&ann, "B");
        assert_eq!(found["first_name"], long.as_str(), "{found}");
        ann.delete(&format!("/api/contacts/{}", found["id"])).expect(204);
    }
}

/// Enter in a field of a form presses its first button.
#[test]
fn enter_neither_imports_unseen_nor_restores_what_was_not_selected() {
    let world = World::new();
    let ann = world.user("ann");
    let browser = Browser::signed_in(&world, "ann");
    let button = |page: &str, form: &str| {
        let form = page.split(form).nth(1).expect("the form").split("</form>").next().unwrap();
        form.split("<button").nth(1).expect("a button").split('>').next().unwrap().to_owned()
    };
    let page = found(&browser, "Хто;Код;Щось\nОля;ab;gh\n");
    assert!(button(&page, "id=\"file\"").contains("value=\"look\""), "{page}");
    for name in ["Ada", "Bob"] {
        let made = ann.post("/api/contacts", json!({"first_name": name})).expect(201).json();
        ann.delete(&format!("/api/contacts/{}", made["id"])).expect(204);
    }
    let page = browser.get("/trash").expect(200).text();
    assert!(page.contains("Restore all 2"), "{page}");
    assert!(!button(&page, "action=\"/trash/restore\"").contains("name="), "{page}");
    // What is asked for is answered, where there is no file any more.
    let page = found(&browser, "First Name\nOlya\n");
    import(&browser, &page, &[]);
    let answer = browser.get("/import/found").expect(303);
    assert!(browser.follow(&answer).expect(200).text().contains("it was imported already"));
}

#[test]
fn a_rewind_does_what_was_shown_or_asks_once_more() {
    let world = World::new();
    let ann = world.user("ann");
    let made = |name: &str| ann.post("/api/contacts", json!({"first_name": name})).expect(201);
    let browser = Browser::signed_in(&world, "ann");
    made("Ada");
    made("Bob");
    let page = browser.get("/history/rewind?to=1").expect(200).text();
    assert!(page.contains("1 added contact goes to the trash."), "{page}");
    let form = [("to", "1"), ("seen", value(&page, "seen"))];
    // A phone brings another one before the button is pressed.
    made("Cyd");
    let answer = browser.post("/history/rewind", &form).expect(303);
    assert_eq!(answer.header("Location"), "/history/rewind?to=1");
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "3");
    let page = browser.follow(&answer).expect(200).text();
    assert!(page.contains("2 added contacts go") && page.contains("changed in the meantime"));
    let form = [("to", "1"), ("seen", value(&page, "seen"))];
    let answer = browser.post("/history/rewind", &form).expect(303);
    assert!(browser.follow(&answer).expect(200).text().contains("is as it was then"));
    assert_eq!(ann.get("/api/contacts").header("X-Total-Count"), "1");
}

#[test]
fn the_history_says_what_was_done_in_the_language_of_the_reader() {
    let world = World::new();
    let ann = world.user("ann");
    let ada = json!({"first_name": "Ada", "email": "a@example.com"});
    let ids = [(); 2].map(|()| ann.post("/api/contacts", ada.clone()).json()["id"].to_string());
    ann.post(
        "/api/contacts/merge",
        json!({"keep": ids[0].parse::<i64>().unwrap(), "merge": [ids[1].parse::<i64>().unwrap()]}),
    )
    .expect(200);
    ann.post("/api/contacts/rewind", json!({"to": 2})).expect(200);
    let browser = Browser::signed_in(&world, "ann");
    let page = browser.get("/history").expect(200).text();
    assert!(page.contains("you · Merge") && page.contains("you · Rewind"), "{page}");
    let page = browser.reading("uk").get("/history").expect(200).text();
    assert!(page.contains("ви · Об’єднання") && page.contains("ви · Повернення назад"), "{page}");
}
