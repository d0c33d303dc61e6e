//! Tables of databases, directories, shops and forms (30 November 2026).

use vcard::table::{self, Options};
use vcard::*;

/// What each row says, what it keeps, and the warnings of the row.
fn rows(text: &str) -> Vec<(Details, Vec<String>, Vec<String>)> {
    let table = table::read(text, &Options { map: &[] }).unwrap_or_else(|why| panic!("{why}"));
    let row = |row: table::Row<'_>| {
        let kept = row.kept.into_iter().map(|(name, text)| format!("{name}:{text}")).collect();
        (row.details, kept, row.warnings.into_iter().map(|it| it.detail).collect())
    };
    table.rows().map(Result::unwrap).map(row).collect()
}

/// What we wrote is read again as it was.
fn comes_back(ours: &Details) {
    let (mut text, mut widths) = (String::new(), table::Widths::default());
    widths.add(ours);
    table::header(&mut text, &widths);
    table::row(&mut text, &widths, ours);
    assert_eq!(rows(&text).remove(0).0, *ours);
}

fn names(text: &str) -> Vec<String> {
    rows(text).into_iter().map(|(it, ..)| it.display_name).collect()
}

#[test]
fn nothing_as_a_database_writes_it_is_nothing_but_in_a_column_of_names() {
    let header = "First Name,Last Name,Company,City,Phone,Email,Birthday,Notes";
    let said = |cells: &str| {
        let (it, kept, said) = rows(&format!("{header}\n{cells}\n")).remove(0);
        let lists = it.addresses.len() + it.phones.len() + it.emails.len();
        let singles = [it.organization, it.additional_data].into_iter().flatten().count();
        (it.display_name, lists + singles, kept.len(), said.len())
    };
    for null in ["NULL", "null", "\\N", "[NULL]", "(null)", "<null>"] {
        let cells = format!("Ann,Ash,{}", [null; 6].join(","));
        assert_eq!(said(&cells), ("Ann Ash".to_owned(), 0, 0, 0), "{null}");
    }
    assert_eq!(said("\\N,Ash,,,,,,").0, "Ash");
    // These may be what somebody is called, or the writer has no such word.
    for (cells, name) in [
        ("Ann,Null,,,,,,", "Ann Null"),
        ("ANN,NULL,,,,,,", "ANN NULL"),
        ("Ann,Ash,Null,Null,,,,NUL", "Ann Ash"),
    ] {
        let values = if name == "Ann Ash" { 3 } else { 0 };
        assert_eq!(said(cells), (name.to_owned(), values, 0, 0), "{cells}");
    }
    let (it, kept, _) = rows("Name,Maiden,Spouse\nAnn,NULL,NULL\n").remove(0);
    assert_eq!(
        (it.relations[0].value.as_str(), kept),
        ("NULL", vec!["X-CSV-MAIDEN:NULL".to_owned()])
    );
    // What we wrote comes back.
    let city = Address { city: Some("NULL".to_owned()), primary: true, ..Address::default() };
    let ours = Details {
        display_name: "\\N".to_owned(),
        additional_data: Some("\\N".to_owned()),
        addresses: vec![city],
        ..Details::default()
    };
    comes_back(&ours);
}

#[test]
fn a_title_column_of_forms_of_address_alone_is_one() {
    let header = "Title,Forename,Surname,Telephone\n";
    for titles in [["Mr", "Mrs."], ["Prof. Dr.", "Mr & Mrs"], ["Dr", ""], ["Herr", "Frau Dr."]] {
        let cells = titles.map(|title| format!("{title},Ann,Ash,5550101\n")).concat();
        let it = rows(&format!("{header}{cells}")).remove(0).0;
        assert_eq!((it.prefix.as_deref(), it.job_title), (Some(titles[0]), None), "{titles:?}");
    }
    for titles in
        [["Dr", "CEO"], ["Sister", "Ward manager"], ["", "Master of works"], ["Boss", "Mr"]]
    {
        let cells = titles.map(|title| format!("{title},Ann,Ash,5550101\n")).concat();
        let it = rows(&format!("{header}{cells}")).remove(1).0;
        assert_eq!((it.prefix, it.job_title.as_deref()), (None, Some(titles[1])), "{titles:?}");
    }
    let (it, kept, _) =
        rows("Full Name,Company 1,Title 1,Company 2,Title 2\nAnn,Acme,Boss,Beta,Clerk\n").remove(0);
    assert_eq!((it.prefix, it.job_title.as_deref()), (None, Some("Boss")));
    assert_eq!(kept, ["X-CSV-COMPANY-2:Beta", "X-CSV-TITLE-2:Clerk"]);
}

#[test]
fn what_a_form_writes_behind_the_name_of_a_field_is_none_of_it() {
    let header =
        "First Name [Required],Last Name (required),E-mail (optional),Phone [Mandatory],Birthday *";
    let (it, kept, _) =
        rows(&format!("{header}\nAnn,Ash,a@x.example,5550101,1990-04-12\n")).remove(0);
    assert_eq!((it.display_name.as_str(), it.emails.len(), it.phones.len()), ("Ann Ash", 1, 1));
    assert_eq!((it.birthday.is_some(), kept), (true, Vec::new()));
    // Anything else in brackets may speak of somebody else.
    let header = "Name,Name (emergency contact),Phone (spouse),Email (parent),Birthday [child]";
    let (it, kept, _) =
        rows(&format!("{header}\nAnn,Bob,5550101,c@x.example,1990-04-12\n")).remove(0);
    assert_eq!((it.display_name.as_str(), it.phones.len(), it.emails.len()), ("Ann", 0, 0));
    assert_eq!((it.birthday, kept.len()), (None, 4));
}

#[test]
fn whom_a_shop_or_a_form_speaks_of_is_the_person_where_nobody_else_is_named() {
    let header =
        "Timestamp,Your full name,Your e-mail,Your phone number,Your birthday,Your shoe size";
    let (it, kept, _) =
        rows(&format!("{header}\n1,Ann Ash,a@x.example,5550101,4/12/1990,42\n")).remove(0);
    assert_eq!((it.display_name.as_str(), it.emails.len(), it.phones.len()), ("Ann Ash", 1, 1));
    assert_eq!(it.birthday.map(|it| it.to_string()).as_deref(), Some("1990-04-12"));
    assert_eq!(kept, ["X-CSV-TIMESTAMP:1", "X-CSV-YOUR-SHOE-SIZE:42"]);
    let header = "Billing First Name,Billing Last Name,Billing City,Billing Email,Shipping First Name,Shipping City";
    let (it, kept, _) = rows(&format!("{header}\nAnn,Ash,Oslo,a@x.example,Bob,Rome\n")).remove(0);
    assert_eq!(
        (it.display_name.as_str(), it.emails[0].label.as_deref()),
        ("Ann Ash", Some("billing"))
    );
    assert_eq!(kept, ["X-CSV-SHIPPING-FIRST-NAME:Bob"]);
    let header = "Позначка часу,Ваше ім'я,Ваша електронна пошта,Ваш телефон,Місто";
    let (it, kept, _) = rows(&format!("{header}\n1,Їжак,o@x.example,5550101,Київ\n")).remove(0);
    assert_eq!((it.display_name.as_str(), it.emails.len(), it.phones.len()), ("Їжак", 1, 1));
    assert_eq!(kept, ["X-CSV-1:Позначка часу: 1"]);
    // A number of a customer is none to dial; where somebody is named, the others are others.
    let (it, kept, _) =
        rows("Email,Customer Name,Customer Number\na@x.example,Ann,12345678\n").remove(0);
    assert_eq!((it.display_name.as_str(), it.phones.len(), kept.len()), ("Ann", 0, 1));
    let (it, kept, _) = rows("Name,Customer Name,Client Email\nAnn,Acme,c@x.example\n").remove(0);
    assert_eq!((it.display_name.as_str(), it.emails.len(), kept.len()), ("Ann", 0, 2));
    let (it, kept, _) =
        rows("Parent Name,Parent Email,Student Name\nBob,b@x.example,Ann\n").remove(0);
    assert_eq!((it.display_name.as_str(), it.emails.len(), kept.len()), ("Ann", 0, 2));
    assert_eq!(table::member("customerName"), None);
}

#[test]
fn a_directory_has_names_of_its_own_for_its_columns() {
    let header =
        "objectClass,cn,sn,givenName,displayName,facsimileTelephoneNumber,mail,l,st,co,wWWHomePage";
    let cells =
        "user,Ann Ash,Ash,Ann,\"Ash, Ann\",5550101,a@x.example,Town,TX,Norway,https://x.example";
    let (it, kept, said) = rows(&format!("{header}\n{cells}\n")).remove(0);
    assert_eq!((it.first_name.as_deref(), it.last_name.as_deref()), (Some("Ann"), Some("Ash")));
    let parts = [&it.addresses[0].city, &it.addresses[0].region, &it.addresses[0].country];
    assert_eq!(parts.map(|it| it.as_deref()), [Some("Town"), Some("TX"), Some("Norway")]);
    assert_eq!((it.phones[0].label.as_deref(), it.urls.len()), (Some("fax"), 1));
    assert_eq!((kept, said), (vec!["X-CSV-OBJECTCLASS:user".to_owned()], Vec::new()));
    // What is said twice is said once, and what has no words is not the same.
    assert_eq!(rows("Name,Full Name\nAnn Ash,\"ASH, Ann\"\n").remove(0).1, Vec::<String>::new());
    assert_eq!(rows("Name,Full Name\n😀,🎉\n").remove(0).1, ["X-CSV-FULL-NAME:🎉"]);
    // Elsewhere these are counts, sizes and what not.
    for header in ["SN,Given Name,Family Name,L", "S/N,Name,Mail,St", "Name,Surname,CO,L"] {
        let (it, kept, _) = rows(&format!("{header}\n1,Ann,Ash,2\n")).remove(0);
        assert_eq!((it.addresses.len(), kept.len()), (0, 2), "{header}");
    }
    let (it, ..) = rows("Name,Business,BusinessFax\nAnn,5550101,5550102\n").remove(0);
    assert_eq!(it.phones[0].label.as_deref(), Some("work"));
    assert_eq!(
        rows("Name,Business,Fax\nAnn,Bakery,5550102\n").remove(0).1,
        ["X-CSV-BUSINESS:Bakery"]
    );
}

#[test]
fn zimbra_files_people_under_the_number_of_a_form() {
    let text = "fileAs,firstName,lastName,company\n2,Ann,Ash,\n8:The Boss,Bob,Bay,\n3,,,Acme\nEve E,Eve,,\n";
    assert_eq!(names(text), ["Ann Ash", "The Boss", "Acme", "Eve E"]);
    let text = "File As,First Name\n7,Ann\n8:30 Club,Bob\n,Eve\n";
    assert_eq!(names(text), ["7", "8:30 Club", "Eve"]);
}

#[test]
fn what_google_joins_of_one_label_is_several_addresses_and_services() {
    let header = "Name,Address 1 - Type,Address 1 - Formatted,Address 1 - Street,Address 1 - City,Address 1 - Country,\
                  IM 1 - Service,IM 1 - Value";
    let cells = "Ann,Home,\"1 St\nOslo ::: 2 Oak\nRome\",1 St ::: 2 Oak,Oslo ::: Rome,NO :::,Skype ::: ICQ,a ::: 1";
    let (it, kept, said) = rows(&format!("{header}\n{cells}\n")).remove(0);
    let told = |it: &Address| {
        [&it.label, &it.street, &it.city, &it.country].map(|it| it.clone().unwrap_or_default())
    };
    let all: Vec<_> = it.addresses.iter().map(told).collect();
    assert_eq!(all, [["home", "1 St", "Oslo", "NO"], ["home", "2 Oak", "Rome", ""]]);
    let services: Vec<_> = it.online.iter().map(|it| it.service.as_deref()).collect();
    assert_eq!((services, kept, said), (vec![Some("Skype"), Some("ICQ")], Vec::new(), Vec::new()));
    // Parts of which nothing says how they belong together.
    let (it, ..) = rows("Name,Street,City\nAnn,1 St ::: 2 Oak,Oslo\n").remove(0);
    assert_eq!(
        (it.addresses.len(), it.addresses[0].street.as_deref()),
        (1, Some("1 St ::: 2 Oak"))
    );
    let (it, ..) = rows("Name,IM 1 - Service,IM 1 - Value\nAnn,Skype,a ::: b\n").remove(0);
    assert!(
        it.online.iter().all(|it| it.service.as_deref() == Some("Skype")) && it.online.len() == 2
    );
    // What we wrote is one address.
    let one = Address { street: Some("a ::: b".to_owned()), primary: true, ..Address::default() };
    let ours =
        Details { display_name: "Ann".to_owned(), addresses: vec![one], ..Details::default() };
    comes_back(&ours);
}

#[test]
fn addresses_with_quoted_names_are_several_and_the_number_of_somebody_else_is_not_the_first() {
    let mails = |cell: &str| {
        let (it, ..) =
            rows(&format!("Name,Email\nAnn,\"{}\"\n", cell.replace('"', "\"\""))).remove(0);
        it.emails.into_iter().map(|it| it.value).collect::<Vec<_>>()
    };
    assert_eq!(
        mails("\"Ann A\" <a@x.example>; \"Bob\" <b@x.example>"),
        ["a@x.example", "b@x.example"]
    );
    assert_eq!(mails("a@x.example, \"Bob\" <b@x.example>"), ["a@x.example", "b@x.example"]);
    assert_eq!(mails("\"Ash, A\" <a@x.example>"), ["a@x.example"]);
    let formula = "=HYPERLINK(\"mailto:a@x.example\",\"a@x.example\")";
    assert_eq!(mails(formula), [formula]);
    for whole in ["\"a;b@c\"@x.example", "\"Ash, A\" <a@x.example>; \"Bay; B\" <b@x.example>"] {
        assert_eq!(mails(whole), [whole]);
    }
    let (it, ..) =
        rows("Name,Assistant's Phone,Business Fax,Business Phone\nAnn,5550101,5550102,5550103\n")
            .remove(0);
    let first = it.phones.iter().find(|it| it.primary).map(|it| it.value.as_str());
    assert_eq!(first, Some("5550103"));
    let (it, ..) = rows("Name,Spouse's Name,Job Position\nAnn,Bob,Clerk\n").remove(0);
    assert_eq!(
        (it.relations[0].label.as_deref(), it.job_title.as_deref()),
        (Some("spouse"), Some("Clerk"))
    );
}

#[test]
fn plain_words_of_offices() {
    let header = "Tiers,Nom,Prénom,Tél. pro,Tél. perso,Mail perso,Poste/fonction,Date anniversaire";
    let (it, kept, _) =
        rows(&format!("{header}\nSA,Dupont,Zoé,5550101,5550102,z@x.example,Chef,25/04/1990\n"))
            .remove(0);
    let labels: Vec<_> = it.phones.iter().map(|it| it.label.as_deref()).collect();
    assert_eq!(
        (labels, it.emails[0].label.as_deref()),
        (vec![Some("work"), Some("home")], Some("home"))
    );
    assert_eq!((it.organization.as_deref(), it.job_title.as_deref()), (Some("SA"), Some("Chef")));
    assert_eq!((it.birthday.is_some(), kept), (true, Vec::new()));
    let (it, kept, _) =
        rows("Наименование,Контрагент,Телефон,Теги\nЇжак,ТОВ,5550101,друзі\n").remove(0);
    assert_eq!((it.display_name.as_str(), it.organization.as_deref()), ("Їжак", Some("ТОВ")));
    assert_eq!((it.labels, kept), (vec!["друзі".to_owned()], Vec::new()));
    let (it, ..) = rows("Name,Mobile,Alternate Number\nAnn,5550101,5550102\n").remove(0);
    assert_eq!(it.phones.len(), 2);
    let header = "Name,Addr1,Addr2,City,Wk Phone,Res. Address,Off. Address,Res Phone";
    let (it, kept, _) =
        rows(&format!("{header}\nAnn,1 St,Apt 2,Oslo,5550101,2 Oak,3 Elm,5550102\n")).remove(0);
    let streets: Vec<_> =
        it.addresses.iter().map(|it| (it.label.as_deref(), it.street.as_deref())).collect();
    let want =
        [(None, Some("1 St\nApt 2")), (Some("home"), Some("2 Oak")), (Some("work"), Some("3 Elm"))];
    assert_eq!((streets, kept), (want.to_vec(), Vec::new()));
    assert_eq!(
        it.phones.iter().map(|it| it.label.as_deref()).collect::<Vec<_>>(),
        [Some("work"), Some("home")]
    );
    let (it, kept, _) = rows("ФИО,Эл. адрес\nЇжак,o@x.example\n").remove(0);
    assert_eq!((it.emails.len(), kept), (1, Vec::new()));
    let (it, kept, _) = rows("Name,Offer,Result,Resource,Off,Addressee\nAnn,1,2,3,4,5\n").remove(0);
    assert_eq!((it.display_name.as_str(), kept.len()), ("Ann", 5), "{kept:?}");
    assert_eq!(rows("Name,Email,Tiers\nAnn,a@x.example,Gold\n").remove(0).1, ["X-CSV-TIERS:Gold"]);
    let header = "Name,Provider,Product,Project,Promotion,Pro,Person,Pronoun,Наименование товара";
    let (it, kept, _) = rows(&format!("{header}\nAnn,1,2,3,4,5,Ann,7,8\n")).remove(0);
    assert_eq!((it.display_name.as_str(), kept.len()), ("Ann", 7), "{kept:?}");
}

#[test]
fn a_town_stands_before_a_slash_only() {
    let values = |list: &str, cell: &str| {
        let (it, ..) = rows(&format!("Name,{list}\nAnn,\"{cell}\"\n")).remove(0);
        let phones = it.phones.into_iter().map(|it| it.value);
        phones.chain(it.emails.into_iter().map(|it| it.value)).collect::<Vec<_>>()
    };
    let two = ["00ann@x.example", "1bob@x.example"];
    for between in [", ", ";", " / "] {
        assert_eq!(values("Email", &two.join(between)), two, "{between}");
    }
    for between in [", ", ";", "\n"] {
        let two = ["+49 30 4664", "5550101"];
        assert_eq!(values("Phone", &two.join(between)), two, "{between}");
    }
    assert_eq!(values("Phone", "+49 30 46 64 / 5550101").len(), 1);
}

/// Processor time of this thread, which a busy machine does not lengthen.
fn worked() -> std::time::Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    std::time::Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn many_names_beside_a_long_one_are_read_at_once() {
    let (header, cells) = ([",Full Name"; 900].concat(), [",Ash Ann"; 900].concat());
    let text = format!("Name{header}\n{}{cells}\n", "a b ".repeat(250_000));
    let start = worked();
    assert_eq!(rows(&text).remove(0).1.len(), 900);
    let took = worked() - start;
    assert!(took.as_secs() < 5, "{took:?}");
    // A name is the same one in other letters only where nothing of it is lost.
    let (_, kept, said) =
        rows("Name,Full Name,Display Name\nJosé Ash,Jose Ash,ASH JOSÉ\n").remove(0);
    assert_eq!((kept, said.len()), (vec!["X-CSV-FULL-NAME:Jose Ash".to_owned()], 1));
}

#[test]
fn long_cells_in_brackets_are_read_at_once() {
    let text = format!("Name,Email\n{}", format!("({},x\n", "é".repeat(500_000)).repeat(12));
    let start = worked();
    assert_eq!(rows(&text).len(), 12);
    let took = worked() - start;
    assert!(took.as_secs() < 5, "{took:?}");
}

#[test]
fn the_map_tells_a_field_that_is_demanded_from_one_that_is_not() {
    let read = |map: [(&str, &str); 1]| {
        let map = map.map(|(from, to)| (from.to_owned(), to.to_owned()));
        let text = "Name,Email,Email (optional)\nAnn,a@x.example,b@x.example\n";
        let table = table::read(text, &Options { map: &map }).unwrap();
        let it = table.rows().next().unwrap().unwrap().details;
        let emails: Vec<_> = it.emails.into_iter().map(|it| (it.label, it.value)).collect();
        (emails, it.additional_data)
    };
    let (a, b) = ("a@x.example".to_owned(), "b@x.example".to_owned());
    let home = Some("home".to_owned());
    assert_eq!(read([("Email (optional)", "")]), (vec![(None, a.clone())], None));
    assert_eq!(read([("Email (optional)", "notes")]), (vec![(None, a.clone())], Some(b.clone())));
    assert_eq!(read([("email", "emails.home")]), (vec![(home, a), (None, b)], None));
}

#[test]
fn a_title_that_may_be_a_job_is_one_where_no_other_is_a_form_of_address() {
    for (titles, prefixed) in [
        (vec!["Professor"], false),
        (vec!["Sister", "Professor"], false),
        (vec!["M", "E"], false),
        (vec!["Professor", "Mrs"], true),
        (vec!["Mr", "NULL", "\\N"], true),
    ] {
        let cells: String = titles.iter().map(|title| format!("{title},Ann\n")).collect();
        let it = rows(&format!("Title,Name\n{cells}")).remove(0).0;
        let (prefix, job) = (it.prefix.as_deref(), it.job_title.as_deref());
        let want = if prefixed { (Some(titles[0]), None) } else { (None, Some(titles[0])) };
        assert_eq!((prefix, job), want, "{titles:?}");
    }
}

#[test]
fn the_date_of_a_customer_is_none_of_the_person() {
    let header = "Customer Name,Customer Email,Customer Date,Customer Birthday";
    let (it, kept, _) =
        rows(&format!("{header}\nAnn,a@x.example,2020-01-02,1990-01-02\n")).remove(0);
    assert_eq!((it.emails.len(), it.dates.len(), it.birthday.is_some()), (1, 0, true));
    assert_eq!(kept, ["X-CSV-CUSTOMER-DATE:2020-01-02"]);
}
