//! CSV: the tables of other programs in. The samples are of invented people; the other inputs are
//! of the same kinds.

#![cfg(test)]

use vcard::table::{self, Fault, Options, Row, RowError};

/// Everything that is read of a table: rows and errors, and the warnings of columns and rows.
struct Read {
    rows: Vec<Result<Row<'static>, RowError>>,
    warnings: Vec<(u64, String)>,
}

fn read_with(text: &str, map: &[(&str, &str)]) -> Result<Read, Fault> {
    let map: Vec<_> = map.iter().map(|(from, to)| (from.to_string(), to.to_string())).collect();
    let table = table::read(text, &Options { map: &map })?;
    let mut read = Read { rows: Vec::new(), warnings: Vec::new() };
    read.warnings.extend(table.warnings().iter().map(|w| (w.line, w.detail.clone())));
    for row in table.rows() {
        read.rows.push(row.map(|row| {
            read.warnings.extend(row.warnings.iter().map(|w| (w.line, w.detail.clone())));
            let kept = row.kept.iter().map(|(name, text)| (name.to_string().into(), text.clone()));
            Row { kept: kept.collect(), ..row.clone_without_kept() }
        }));
    }
    Ok(read)
}

trait WithoutKept {
    fn clone_without_kept(&self) -> Row<'static>;
}

impl WithoutKept for Row<'_> {
    fn clone_without_kept(&self) -> Row<'static> {
        Row {
            line: self.line,
            uid: self.uid.clone(),
            details: self.details.clone(),
            kept: Vec::new(),
            warnings: self.warnings.clone(),
        }
    }
}

fn read(text: &str) -> Read {
    read_with(text, &[]).unwrap_or_else(|fault| panic!("{fault}: {text}"))
}

/// The good rows.
fn rows(text: &str) -> Vec<Row<'static>> {
    read(text).rows.into_iter().map(|row| row.unwrap()).collect()
}

/// The only row of a table.
fn row(text: &str) -> Row<'static> {
    let mut rows = rows(text);
    assert_eq!(rows.len(), 1, "{rows:#?}");
    rows.remove(0)
}

/// A row as one line: its names, then each list as `value(label)*`.
fn said(row: &Row<'_>) -> String {
    let d = &row.details;
    let mut words = vec![format!("[{}]", d.display_name)];
    let label = |label: &Option<String>| label.as_ref().map_or(String::new(), |l| format!("({l})"));
    let star = |primary: bool| if primary { "*" } else { "" };
    for text in [
        &d.prefix,
        &d.first_name,
        &d.middle_name,
        &d.last_name,
        &d.suffix,
        &d.nickname,
        &d.organization,
        &d.department,
        &d.job_title,
    ]
    .into_iter()
    .flatten()
    {
        words.push(text.clone());
    }
    words.extend(
        d.emails
            .iter()
            .chain(&d.phones)
            .map(|e| format!("{}{}{}", e.value, label(&e.label), star(e.primary))),
    );
    for a in &d.addresses {
        let parts =
            [&a.po_box, &a.extended, &a.street, &a.city, &a.region, &a.postal_code, &a.country];
        let parts: Vec<&str> = parts.iter().map(|part| part.as_deref().unwrap_or("")).collect();
        words.push(format!("{}{}{}", parts.join("|"), label(&a.label), star(a.primary)));
    }
    words.extend(
        d.urls.iter().chain(&d.relations).map(|e| format!("{}{}", e.value, label(&e.label))),
    );
    words.extend(d.birthday.map(|date| format!("born {date}")));
    words.extend(d.dates.iter().map(|e| format!("{}{}", e.value, label(&e.label))));
    words.extend(
        d.online.iter().map(|e| {
            format!("{}:{}{}", e.service.as_deref().unwrap_or(""), e.value, label(&e.label))
        }),
    );
    words.extend(d.additional_data.iter().map(|text| format!("note {text}")));
    words.extend(d.labels.iter().map(|text| format!("#{text}")));
    words.extend(row.kept.iter().map(|(name, text)| format!("{name}:{text}")));
    words.join("; ")
}

#[track_caller]
fn says(text: &str, want: &str) {
    assert_eq!(said(&row(text)), want, "{text}");
}

#[test]
fn whoever_is_named_or_reached_becomes_a_contact() {
    let text = include_str!("samples/f02-google-no-first-name.csv");
    let said: Vec<_> = rows(text).iter().map(said).collect();
    assert_eq!(
        said,
        [
            "[+1 555 010 0001]; +1 555 010 0001*",
            "[only@x.example]; only@x.example*",
            "[Ash]; Ash; +1 555 010 0002*",
            "[The Plumber]; +1 555 010 0003*",
            "[Bay]; Bay; Acme",
        ]
    );
    says("Name Prefix,Last Name\nDr.,Ash", "[Dr. Ash]; Dr.; Ash");
    says("Organization Name,Notes\nAcme,x", "[Acme]; Acme; note x");
    says("First Name,Street,City\n,Way 1,Oslo", "[Way 1 Oslo]; ||Way 1|Oslo|||*");
    says("First Name,Skype\n,jo", "[jo]; skype:jo");
    says("First Name,E-mail\n,Ann Ash <a@x.example>", "[Ann Ash]; a@x.example*");
    says(
        "First Name,E-mail\nAnn,A. Ash <a@x.example>",
        "[Ann]; Ann; a@x.example*; X-CSV-ADDRESSEE:A. Ash",
    );
    // A row that says nothing of who is an error of its line; blank ones are nothing.
    let read = read("First Name,Notes,Birthday\n\n,,\n,who?,1990-01-01\nAnn,,\n");
    assert_eq!(read.rows[0].as_ref().unwrap_err().line, 4);
    assert_eq!((read.rows.len(), read.rows[1].as_ref().unwrap().line), (2, 5));
}

#[test]
fn an_odd_value_costs_nobody() {
    let read = read(include_str!("samples/f02-google-odd-phone-or-email.csv"));
    let said: Vec<_> = read.rows.iter().map(|row| said(row.as_ref().unwrap())).collect();
    assert_eq!(
        said,
        [
            "[Ann]; Ann; n/a*; +1 555 010 0001*",
            "[Bob]; Bob; /o=ExchangeLabs/ou=Exchange/cn=Recipients/cn=ab12-Bob*; +1 555 010 0002*",
            "[Cid]; Cid; cid@x.example*; +1 (555) 010-0199 ext. 12*",
            "[Dan]; Dan; dan@x.example*; 4.91512E+11*",
            "[Eve]; Eve; 1-800-555-CARS*",
            "[Fay]; Fay; +1 555 010 0003*; +1 555 010 0004",
            "[Gus]; Gus; 15*",
            "[Hal]; Hal; a..b@docomo.example*",
        ]
    );
    let lines: Vec<u64> = read.warnings.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 3, 5, 6, 8], "{:?}", read.warnings);
    assert!(read.warnings[0].1.starts_with("emails: \"n/a\""), "{:?}", read.warnings[0]);
    assert!(read.warnings[2].1.starts_with("phones: \"4.91512E+11\""));
    // Long values are not cut; more cells than columns are kept.
    let long = "x".repeat(20_001);
    let noted = row(&format!("Name,Notes\nAnn,{long}"));
    assert_eq!(noted.details.additional_data, Some(long));
    assert!(noted.warnings[0].detail.starts_with("additional_data: 20001"), "{noted:?}");
    says("Name,Phone\nAnn,5550100,more,,still", "[Ann]; 5550100*; X-CSV-MORE:more, still");
}

#[test]
fn google_now() {
    says(
        "First Name,Middle Name,Last Name,Name Prefix,Nickname,File As,Organization Name,Organization Title,\
         Organization Department,Birthday,Notes,Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,\
         E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,Address 1 - Label,Address 1 - Formatted,Address 1 - Street,\
         Address 1 - City,Event 1 - Label,Event 1 - Value,Custom Field 1 - Label,Custom Field 1 - Value,\
         Website 1 - Label,Website 1 - Value,Relation 1 - Label,Relation 1 - Value,Phonetic First Name\r\n\
         Олена,Петрівна,Мушко,,,,\"ТОВ, Ромашка\",Director,Відділ, --04-12,\"Line \"\"one\"\"\r\ntwo\",\
         * myContacts ::: Friends,Home,o@home.example,* Work,o@work.example,дача,+380 50 111 22 33 ::: 102,\
         Home,\"Street 1\nKyiv\",Street 1,Kyiv,Anniversary,2015-06-07,Size,XL,Blog,https://a.b/c?d;e,Sister,Eve,Olena\r\n",
        "[Олена Петрівна Мушко]; Олена; Петрівна; Мушко; ТОВ, Ромашка; Відділ; Director; o@home.example(home); \
         o@work.example(work)*; +380 50 111 22 33(дача)*; 102(дача); ||Street 1|Kyiv|||(home)*; https://a.b/c?d;e(Blog); \
         Eve(Sister); born --04-12; 2015-06-07(Anniversary); note Line \"one\"\ntwo; #myContacts; #Friends; \
         X-PHONETIC-FIRST-NAME:Olena; X-CSV-SIZE:XL",
    );
    // Saved in a spreadsheet, dates come in that country's form.
    let text = include_str!("samples/f11-google-saved-in-a-spreadsheet.csv");
    let born: Vec<_> =
        rows(text).iter().map(|row| row.details.birthday.unwrap().to_string()).collect();
    assert_eq!(born, ["1990-05-15"; 4]);
}

#[test]
fn google_until_2023() {
    says(
        "Name,Given Name,Additional Name,Family Name,Yomi Name,Given Name Yomi,Birthday,Gender,Notes,Group Membership,\
         E-mail 1 - Type,E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value,Organization 1 - Name,\
         Organization 1 - Department,Organization 1 - Title,Address 1 - Formatted,IM 1 - Type,IM 1 - Service,IM 1 - Value\n\
         Dr. Ann Smith,Ann,,Smith,,en,1990-04-12,f,,* myContacts ::: Chess,* Work,ann@x.yz,Mobile,+1 555 0100,\
         Acme,Sales,Boss,Way 1 Oslo,Home,Skype,ann.s\n",
        "[Dr. Ann Smith]; Ann; Smith; Acme; Sales; Boss; ann@x.yz(work)*; +1 555 0100(mobile)*; ||Way 1 Oslo||||*; \
         born 1990-04-12; Skype:ann.s(home); #myContacts; #Chess; X-PHONETIC-FIRST-NAME:en; X-CSV-GENDER:f",
    );
}

#[test]
fn outlook_classic_and_new() {
    says(
        "\"Title\",\"First Name\",\"Last Name\",\"Suffix\",\"Company\",\"Department\",\"Job Title\",\"Business Street\",\
         \"Business Street 2\",\"Business City\",\"Business State\",\"Business Postal Code\",\"Business Country/Region\",\
         \"Home City\",\"Business Fax\",\"Business Phone\",\"Business Phone 2\",\"Home Phone\",\"Mobile Phone\",\
         \"Company Main Phone\",\"Anniversary\",\"Birthday\",\"Categories\",\"E-mail Address\",\"E-mail Type\",\
         \"E-mail Display Name\",\"E-mail 2 Address\",\"Manager's Name\",\"Spouse\",\"Web Page\",\"Hobby\"\r\n\
         Mr.,John,Smith,Jr.,Contoso,R&D,Boss,1 Way,Door 2,Redmond,WA,98052,USA,Seattle,+1 425 555 0101,+1 425 555 0102,\
         +1 425 555 0103,+1 425 555 0104,+1 425 555 0105,+1 425 555 0106,0/0/00,5/15/1990,Red;Blue,j@x.yz,SMTP,\
         John Smith (j@x.yz),k@x.yz,Max,Eve,https://x.yz,\"Chess, \"\"go\"\"\"\r\n",
        "[Mr. John Smith Jr.]; Mr.; John; Smith; Jr.; Contoso; R&D; Boss; j@x.yz*; k@x.yz; +1 425 555 0101(work fax); \
         +1 425 555 0102(work)*; +1 425 555 0103(work); +1 425 555 0104(home); +1 425 555 0105(mobile); \
         +1 425 555 0106(company main); ||1 Way\nDoor 2|Redmond|WA|98052|USA(work)*; |||Seattle|||(home); https://x.yz; \
         Max(manager); Eve(spouse); born 1990-05-15; #Red; #Blue; X-CSV-E-MAIL-DISPLAY-NAME:John Smith (j@x.yz); \
         X-CSV-HOBBY:Chess, \"go\"",
    );
}

#[test]
fn thunderbird_in_three_languages() {
    let want = "[Ann A.]; Ann; Ash; Annie; Acme; R&D; Boss; a@x.example*; b@x.example; +49 30 1234567(work)*; \
                +49 30 7654321(home); +49 30 1112223(fax); +49 172 1234567(mobile); \
                ||Way 1\nDoor 2|Oslo|Viken|0150|Norway(home)*; https://x.example; born 1990-05-06; note hi";
    let row = "\nAnn,Ash,Ann A.,Annie,a@x.example,b@x.example,+49 30 1234567,+49 30 7654321,+49 30 1112223,,\
               +49 172 1234567,Way 1,Door 2,Oslo,Viken,0150,Norway,Boss,R&D,Acme,https://x.example,1990,5,6,hi\n";
    for header in [
        "First Name,Last Name,Display Name,Nickname,Primary Email,Secondary Email,Work Phone,Home Phone,Fax Number,\
         Pager Number,Mobile Number,Home Address,Home Address 2,Home City,Home County,Home Post Code,Home Country,\
         Job Title,Department,Organisation,Web Page 1,Birth Year,Birth Month,Birth Day,Notes",
        "Vorname,Nachname,Anzeigename,Spitzname,Primäre E-Mail-Adresse,Sekundäre E-Mail-Adresse,Tel. dienstlich,\
         Tel. privat,Fax-Nummer,Pager-Nummer,Mobil-Tel.-Nr.,Privat: Adresse,Privat: Adresse 2,Privat: Ort,\
         Privat: Bundesland,Privat: PLZ,Privat: Land,Arbeitstitel,Abteilung,Organisation,Webseite 1,Geburtsjahr,\
         Geburtsmonat,Geburtstag,Notizen",
        "Nome,Cognome,Nome visualizzato,Soprannome,Email primaria,Email secondaria,Telefono lavoro,Telefono casa,\
         Numero fax,Numero cercapersone,Numero cellulare,Indirizzo di casa,Indirizzo di casa 2,Città di residenza,\
         Provincia di residenza,CAP di residenza,Nazione di residenza,Qualifica,Reparto,Organizzazione,Pagina web 1,\
         Anno di nascita,Mese di nascita,Giorno di nascita,Note",
    ] {
        says(&format!("{header}{row}"), want);
    }
    says("First Name,Birth Year,Birth Month,Birth Day\nAnn,,5,6", "[Ann]; Ann; born --05-06");
    // Outlook's way to say none
    says("First Name,Birth Year,Birth Month,Birth Day\nAnn,0,0,0", "[Ann]; Ann");
    says(
        "First Name,Birth Year,Birth Month,Birth Day\nAnn,1990,,",
        "[Ann]; Ann; X-CSV-BIRTHDAY:1990--",
    );
}

#[test]
fn outlook_in_nine_languages() {
    // Prefix, first, middle, last name, company, department, job title, work address, home city, work fax, work phone,
    // home phone, second home phone, mobile phone, other phone, e-mails, birthday, notes, web page, spouse, categories.
    let row = "\nDr.,Ann,B.,Ash,Acme,R&D,Boss,Way 1,Door 2,Oslo,Viken,0150,Norway,Rome,+1 555 010 0001,+1 555 010 0002,\
               +1 555 010 0003,+1 555 010 0004,+1 555 010 0005,+1 555 010 0006,a@x.example,b@x.example,15.05.1990,hi,\
               https://x.example,Eve,Red\n";
    let want = "[Dr. Ann B. Ash]; Dr.; Ann; B.; Ash; Acme; R&D; Boss; a@x.example*; b@x.example; \
                +1 555 010 0001(work fax); +1 555 010 0002(work)*; +1 555 010 0003(home); +1 555 010 0004(home); \
                +1 555 010 0005(mobile); +1 555 010 0006(other); ||Way 1\nDoor 2|Oslo|Viken|0150|Norway(work)*; \
                |||Rome|||(home); https://x.example; Eve(spouse); born 1990-05-15; note hi; #Red";
    for header in [
        "Title,First Name,Middle Name,Last Name,Company,Department,Job Title,Business Street,Business Street 2,Business City,\
         Business State,Business Postal Code,Business Country/Region,Home City,Business Fax,Business Phone,Home Phone,\
         Home Phone 2,Mobile Phone,Other Phone,E-mail Address,E-mail 2 Address,Birthday,Notes,Web Page,Spouse,Categories",
        "Anrede,Vorname,Weitere Vornamen,Nachname,Firma,Abteilung,Position,Straße geschäftlich,Straße geschäftlich 2,\
         Ort geschäftlich,Region geschäftlich,Postleitzahl geschäftlich,Land/Region geschäftlich,Ort privat,Fax geschäftlich,\
         Telefon geschäftlich,Telefon (privat),Telefon (privat 2),Mobiltelefon,Weiteres Telefon,E-Mail-Adresse,\
         E-Mail 2: Adresse,Geburtstag,Notizen,Webseite,Partner/in,Kategorien",
        "Titre,Prénom,Deuxième prénom,Nom,Société,Service,Titre,Rue (bureau),Rue (bureau) 2,Ville (bureau),\
         Dép/Région (bureau),Code postal (bureau),Pays/Région (bureau),Ville (domicile),Télécopie (bureau),\
         Téléphone (bureau),Téléphone (domicile),Téléphone 2 (domicile),Tél. mobile,Téléphone (autre),\
         Adresse de messagerie,Adresse de messagerie 2,Date de naissance,Notes,Page Web,Conjoint(e),Catégories",
        "Tratamiento,Nombre,Segundo nombre,Apellidos,Organización,Departamento,Puesto,Calle del trabajo,\
         Calle del trabajo 2,Ciudad de trabajo,Provincia o estado de trabajo,Código postal del trabajo,\
         País o región del trabajo,Ciudad de residencia,Fax del trabajo,Teléfono del trabajo,Particular,\
         Teléfono particular 2,Teléfono móvil,Otro teléfono,Dirección de correo electrónico,\
         Dirección del correo electrónico 2,Cumpleaños,Notas,Página Web,Cónyuge,Categorías",
        "Titolo,Nome,Secondo nome,Cognome,Società,Reparto,Posizione,Via (uff.),Via (uff.) 2,Città (uff.),Provincia (uff.),\
         CAP (uff.),Paese/area geografica (uff.),Città (ab.),Fax (uff.),Ufficio,Abitazione,Abitazione 2,Cellulare,\
         Altro telefono,Indirizzo posta elettronica,Indirizzo posta elettronica 2,Compleanno,Note,Pagina Web,Coniuge,Categorie",
        "Tytuł,Imię,Drugie imię,Nazwisko,Firma,Dział,Stanowisko,Adres służbowy - ulica,Adres służbowy - ulica 2,\
         Adres służbowy - miejscowość,Adres służbowy - województwo,Adres służbowy - kod pocztowy,Adres służbowy - kraj/region,\
         Adres domowy - miejscowość,Faks służbowy,Telefon służbowy,Telefon domowy,Telefon domowy 2,Telefon komórkowy,\
         Inny telefon,Adres e-mail,Adres e-mail 2,Urodziny,Notatki,Strona sieci Web,Współmałżonek,Kategorie",
        "Звернення,Ім'я,По батькові,Прізвище,Організація,Відділ,Посада,Вулиця (роб. адреса),Вулиця 2 (роб. адреса),\
         Місто (роб. адреса),Область (роб. адреса),Індекс (роб. адреса),Країна або регіон (роб. адреса),Місто (дом. адреса),\
         Робочий факс,Робочий телефон,Домашній телефон,Телефон дом. 2,Телефон мобільний,Інший телефон,Адреса ел. пошти,\
         Адреса 2 ел. пошти,День народження,Нотатки,Веб-сторінка,Дружина,Категорії",
        "Обращение,Имя,Отчество,Фамилия,Организация,Отдел,Должность,Улица (раб. адрес),Улица 2 (раб. адрес),\
         Город (раб. адрес),Область (раб. адрес),Индекс (раб. адрес),Страна или регион (раб. адрес),Город (дом. адрес),\
         Рабочий факс,Рабочий телефон,Домашний телефон,Телефон дом. 2,Телефон переносной,Другой телефон,Адрес эл. почты,\
         Адрес 2 эл. почты,День рождения,Заметки,Веб-страница,Супруг(а),Категории",
        "肩書き,名,ミドル ネーム,姓,会社名,部署,役職,番地 (会社),住所 2 (会社),市町村 (会社),都道府県 (会社),郵便番号 (会社),国 (会社)/地域,\
         市町村 (自宅),会社 FAX,会社電話,自宅電話,自宅電話 2,携帯電話,その他の電話,電子メール アドレス,電子メール 2 アドレス,誕生日,メモ,\
         Web ページ,配偶者,分類",
    ] {
        says(&format!("{header}{row}"), want);
        let upper = header.to_uppercase().replace(' ', "\u{a0}");
        says(&format!("{upper}{row}"), want);
        says(&format!("{header}{row}").replace(',', ";"), want);
    }
}

#[test]
fn yahoo_linkedin_and_plain_names() {
    says(
        "\"First\",\"Middle\",\"Last\",\"Nickname\",\"Email\",\"Category\",\"Messenger ID\",\"Home\",\"Work\",\"Fax\",\"Mobile\",\
         \"Alternate Email 1\",\"Personal Website\",\"Title\",\"Company\",\"Work Address\",\"Work City\",\"Work ZIP\",\
         \"Birthday\",\"Comments\",\"Skype ID\"\r\n\
         Ann,,Ash,,a@x.example,,annash,+1 555 010 0001,+1 555 010 0002,+1 555 010 0003,+1 555 010 0004,b@x.example,\
         https://x.example,CEO,Acme,Way 1,Oslo,0150,12/31/1990,hi,ann.skype\r\n",
        "[Ann Ash]; Ann; Ash; Acme; CEO; a@x.example*; b@x.example; +1 555 010 0001(home)*; +1 555 010 0002(work); \
         +1 555 010 0003(fax); +1 555 010 0004(mobile); ||Way 1|Oslo||0150|(work)*; https://x.example(home); born 1990-12-31; \
         :annash; skype:ann.skype; note hi",
    );
    says(
        include_str!("samples/f12-linkedin.csv"),
        "[Ann Ash]; Ann; Ash; Acme; CEO; ann@x.example*; https://x.example/in/ann; X-CSV-CONNECTED-ON:15 May 2020",
    );
    assert_eq!(row(include_str!("samples/f12-linkedin.csv")).line, 5);
    says(
        include_str!("samples/f12-email-address.csv"),
        "[Ann Ash]; Ann; Ash; ann@x.example*; +1 555 010 0212*",
    );
    says(
        "firstname|lastname|mobile|EMAIL\nAnn|Ash|5550100|a@x.example",
        "[Ann Ash]; Ann; Ash; a@x.example*; 5550100(mobile)*",
    );
    says(
        "NAME\tTel.\tE-mail\tE-mail 2\tE-mail\nAnn\t555\ta@x\tb@x\tc@x",
        "[Ann]; a@x*; b@x; c@x; 555*",
    );
    says(
        "Name,Address 1,Address 2,City,State,Zip\nAnn,Way 1,Door 2,Oslo,V,1",
        "[Ann]; ||Way 1\nDoor 2|Oslo|V|1|*",
    );
    says(
        "Name,Address 1 - Street,Address 2 - Street\nAnn,Way 1,Way 2",
        "[Ann]; ||Way 1||||*; ||Way 2||||",
    );
    says(
        "Full Name;Cell Phone;Date of Birth\nAnn Ash;555 0100;06.05.1990",
        "[Ann Ash]; 555 0100(mobile)*; born 1990-05-06",
    );
    // Our own members, as the JSON has them.
    says(
        "uid,first_name,last_name,display_name,organization,job_title,email,phone,birthday,additional_data,labels\n\
         u1,Ann,Ash,The Boss,Acme,CEO,a@x.example,5550100,--05-06,hi,a ::: b",
        "[The Boss]; Ann; Ash; Acme; CEO; a@x.example*; 5550100*; born --05-06; note hi; #a; #b",
    );
    assert_eq!(row("uid,name\nu1,Ann").uid.as_deref(), Some("u1"));
}

#[test]
fn separators_and_where_the_table_begins() {
    says(include_str!("samples/f12-sep-line.csv"), "[Ann Ash]; Ann; Ash; +1 555 010 0201*");
    says("\"sep=|\"\r\nName|Phone\r\nAnn|5,5;5\r\n", "[Ann]; 5,5;5*");
    says("sep=\t\nName\tPhone\nAnn\t555", "[Ann]; 555*");
    says("\u{feff}sep=;\nName;Phone\nAnn;555", "[Ann]; 555*");
    // A comma in every name does not make it the separator.
    says("Name;Phone\n\"Ash, Ann\";555\n", "[Ash, Ann]; 555*");
    says("Name;Phone\nAsh, Ann, Dr.;555\n", "[Ash, Ann, Dr.]; 555*");
    let before = "x\n".repeat(10);
    assert_eq!(row(&format!("{before}Name,Phone\nAnn,555")).line, 12);
    for text in [
        "",
        "\n\n",
        "hello world",
        "Ann,Ash,555\nBob,Bay,556\n",
        "Notes\nx\n",
        &format!("x\n{before}Name,Phone\nAnn,555"),
        "Colour;Size\nred;5\n",
    ] {
        let Err(Fault::NoTable(detail)) = read_with(text, &[]).map(|_| ()) else {
            panic!("{text}")
        };
        assert!(detail.contains("First Name"), "{detail}");
    }
    let Err(Fault::NoTable(detail)) =
        read_with(&format!("Name{}\nAnn\n", ",x".repeat(1_100)), &[]).map(|_| ())
    else {
        panic!()
    };
    assert!(detail.contains("1100"), "{detail}");
}

#[test]
fn unknown_columns_are_kept_and_named_once() {
    let text = "First Name,Shoe size,Любимый цвет,Empty,Pet\nAnn,38,красный,,cat\nBob,,синий,,\n";
    let read = read(text);
    assert_eq!(
        said(read.rows[0].as_ref().unwrap()),
        "[Ann]; Ann; X-CSV-SHOE-SIZE:38; X-CSV-3:Любимый цвет: красный; X-CSV-PET:cat"
    );
    let [(1, warning)] = &read.warnings[..] else { panic!("{:?}", read.warnings) };
    assert!(warning.contains("Shoe size, Любимый цвет, Pet"), "{warning}");
    assert!(!warning.contains("Empty"), "{warning}");
    // A single value that is there twice: the second one is kept too.
    says(
        "First Name,Job Title,Position\nAnn,CEO,Founder",
        "[Ann]; Ann; CEO; X-CSV-POSITION:Founder",
    );
    says("Name,Notes,Notes\nAnn,a,b", "[Ann]; note a\nb");
    // The whole name beside File As, where it says more than the names.
    says("Name,First Name,Last Name,File As\nAnn Ash,Ann,Ash,The Boss", "[The Boss]; Ann; Ash");
    says(
        "Name,First Name,Last Name,File As\nQueen Ann,Ann,Ash,The Boss",
        "[The Boss]; Ann; Ash; X-CSV-NAME:Queen Ann",
    );
    // An address as one text beside its parts, where it says more than they.
    says("Name,Address 1 - Formatted,Address 1 - City\nAnn,Oslo,Oslo", "[Ann]; |||Oslo|||*");
    says(
        "Name,Address 1 - Formatted,Address 1 - City\nAnn,\"Way 1, Oslo\",Oslo",
        "[Ann]; |||Oslo|||*; X-CSV-ADDRESS-1-FORMATTED:Way 1, Oslo",
    );
}

#[test]
fn a_quote_that_is_never_closed_is_an_error_of_its_line() {
    let read = read(include_str!("samples/f16-unclosed-quote.csv"));
    let error = read.rows[0].as_ref().unwrap_err();
    assert!(error.line == 2 && error.detail.contains("Notes"), "{error:?}");
    let rest: Vec<_> = read.rows[1..].iter().map(|row| said(row.as_ref().unwrap())).collect();
    assert_eq!(rest, ["[Bob Bay]; Bob; Bay; note ok", "[Cid Coe]; Cid; Coe; note ok"]);
}

#[test]
fn dates_by_their_column() {
    let born = |header: &str, cells: &[&str]| -> Vec<String> {
        let text = format!("First Name;{header}\nAnn;{}\n", cells.join("\nAnn;"));
        let shown = |row: &Row<'_>| match row.details.birthday {
            Some(date) => date.to_string(),
            None => row.kept.first().map_or("none".to_owned(), |(_, text)| text.clone()),
        };
        rows(&text).iter().map(shown).collect()
    };
    assert_eq!(born("Birthday", &["5/6/1990", "13/6/1990"]), ["1990-06-05", "1990-06-13"]);
    assert_eq!(born("Birthday", &["5/6/1990", "6/13/1990"]), ["1990-05-06", "1990-06-13"]);
    assert_eq!(
        born("Birthday", &["5/6/1990", "0/0/00", "0001-01-01", "1604-02-29"]),
        ["1990-05-06", "none", "none", "--02-29"]
    );
    assert_eq!(born("Date de naissance", &["5/6/1990"]), ["1990-06-05"]);
    assert_eq!(
        born("Birthday", &["13/6/1990", "6/13/1990", "5/6/1990"]),
        ["1990-06-13", "1990-06-13", "5/6/1990"]
    );
    assert_eq!(
        born("Birthday", &["soon", "15 May 1990", "1990-02-30"]),
        ["soon", "15 May 1990", "1990-02-30"]
    );
    let warnings = |text: &str| read(text).warnings;
    let [(1, guess)] = &warnings("First Name,Birthday\nAnn,5/6/1990\nBob,7/8/1990\n")[..] else {
        panic!()
    };
    assert!(guess.starts_with("birthday: ") && guess.ends_with("month/day/year"), "{guess}");
    assert_eq!(warnings("First Name,Birthday\nAnn,5/6/1990\nBob,17/8/1990\n"), []);
    assert_eq!(warnings("First Name,Notes\nAnn,5/6/1990\n"), []);
    let twice =
        read("First Name,Birthday,Birthday\nAnn,1990-05-06,6.5.1990\n").rows.remove(0).unwrap();
    assert_eq!((twice.kept, twice.warnings), (vec![], vec![]));
    let [(3, odd)] = &warnings("First Name,Birthday\nAnn,1990-05-06\nBob,soon\n")[..] else {
        panic!()
    };
    assert!(odd.starts_with("birthday: \"soon\""), "{odd}");
    // Any other date, too.
    says(
        "Name,Anniversary,Event 1 - Label,Event 1 - Value\nAnn,5/16/2015,Moved,June",
        "[Ann]; 2015-05-16(anniversary); X-CSV-EVENT-1-VALUE:Moved: June",
    );
}

#[test]
fn a_map_does_not_make_a_header_english() {
    for (header, shown) in [
        ("Birthday", "1990-05-06"),
        ("When born", "1990-05-06"),
        ("Geburtstag", "1990-06-05"),
        ("Коли народився", "1990-06-05"),
    ] {
        let text = format!("Name,{header}\nAnn,5/6/1990\n");
        let read = read_with(&text, &[(header, "birthday")]).unwrap();
        assert!(said(read.rows[0].as_ref().unwrap()).contains(shown), "{header}");
    }
}

#[test]
fn a_map_says_what_unknown_columns_are() {
    let text = "A;B;C;D;E;Phone\nAnn;Ash;555;Oslo;x;556\n";
    let map = [
        ("A", "first_name"),
        ("b", "last_name"),
        ("C", "phones.home fax"),
        ("D", "addresses.work.city"),
        ("E", ""),
    ];
    let read = read_with(text, &map).unwrap();
    assert_eq!(
        said(read.rows[0].as_ref().unwrap()),
        "[Ann Ash]; Ann; Ash; 555(home fax); 556*; |||Oslo|||(work)*; X-CSV-E:x"
    );
    // It may also take a known column away, and two columns make a list.
    let read =
        read_with("Name,Phone,P\nAnn,555,556", &[("Phone", "phones"), ("P", "phones")]).unwrap();
    assert_eq!(said(read.rows[0].as_ref().unwrap()), "[Ann]; 555*; 556");
    let fault = |map: &[(&str, &str)]| match read_with(text, map).map(|_| ()) {
        Err(Fault::Map(detail)) => detail,
        other => panic!("{other:?}"),
    };
    assert!(fault(&[("A", "first_name"), ("B", "shoe")]).starts_with("B: "));
    assert!(fault(&[("A", "first_name"), ("Z", "phones")]).starts_with("Z: "));
}

#[test]
fn columns_as_a_page_shows_them() {
    let text = "sep=;\nFirst Name;Home Phone;Business City;Colour\nAnn;555;Oslo;red\nBob;556;;red\nCid;;;blue\n";
    let columns = table::columns(text).unwrap();
    let shown: Vec<_> = columns
        .iter()
        .map(|c| (c.name.as_str(), c.member.as_deref(), c.samples.join(" ")))
        .collect();
    assert_eq!(
        shown,
        [
            ("First Name", Some("first_name"), "Ann Bob Cid".to_owned()),
            ("Home Phone", Some("phones.home"), "555 556".to_owned()),
            ("Business City", Some("addresses.work.city"), "Oslo".to_owned()),
            ("Colour", None, "red blue".to_owned()),
        ]
    );
    // Each member is good for a map.
    let every = "Middle Name,Name,Title,Department,Company,Suffix,Labels,Nickname,E-mail 1 - Label,E-mail 1 - Value,Work Fax,Birthday,\
                 Anniversary,Spouse,Skype,IM,Website,Notes,Home PO Box,Address Extended,Country,Zip,uid,Cell,Pager,Custom 1,\
                 Primary Phone,Company Main Phone,Car Phone,Manager's Name,Business Mobile,Google ID";
    for column in table::columns(every).unwrap() {
        let Some(member) = column.member else { continue };
        let header = format!("First Name,{member}\n");
        assert_eq!(
            table::columns(&header).unwrap()[1].member.as_deref(),
            Some(member.as_str()),
            "{}",
            column.name
        );
    }
    // Without a header that is known, the first line is one.
    assert_eq!(table::columns("A;B\n1;2\n").unwrap()[1].samples, ["2"]);
    assert_eq!(table::columns("Name\nA\nB\nC\nD\n").unwrap()[0].samples, ["A", "B", "C"]);
    assert_eq!(table::member("First Name").as_deref(), Some("first_name"));
    assert_eq!(table::member("Colour"), None);
    assert!(table::columns("\n").is_err());
}

#[test]
fn a_table_does_not_grow_in_memory() {
    // Long headers over short rows: names of lines are cut, and a row that they would make many
    // times as long is kept as it was written.
    let header: Vec<String> =
        (0..900).map(|n| format!("{n} {}", "long header ".repeat(100))).collect();
    let text = format!("First Name,{}\nAnn{}\n", header.join(","), ",x".repeat(900));
    let row = row(&text);
    assert_eq!((row.kept.len(), row.kept[0].0.as_ref()), (1, "X-CSV-ROW"));
    assert!(row.kept[0].1.len() < 2_000);
    let text = format!("First Name,{}\nAnn,{}\n", header[0], "y".repeat(100));
    let kept = &self::row(&text).kept[0];
    assert!(kept.0.len() <= 64 && kept.0.starts_with("X-CSV-0-LONG-HEADER-LONG"), "{kept:?}");
}

#[test]
fn headers_of_one_meaning_are_entries_of_their_own() {
    says(
        "Name,Email,Alternate Email 1,Alternate Email 2,Mail,Handy,Mobile\nAnn,a@x,b@x,c@x,d@x,5550101,5550102",
        "[Ann]; a@x*; b@x; c@x; d@x; 5550101(mobile)*; 5550102(mobile)",
    );
    says(
        "Name,E-mail 1 - Label,E-mail 1 - Value,E-mail 1\nAnn,Home,a@x,b@x",
        "[Ann]; a@x(home)*; b@x",
    );
    says(
        "Name,Home Mobile,Business Mobile,Mobile\nAnn,5550101,5550102,5550103",
        "[Ann]; 5550101(home mobile)*; 5550102(work mobile); 5550103(mobile)",
    );
}

#[test]
fn names_as_people_head_them() {
    says("Name;Vorname;Gruppe\nMüller;Jürgen;Chor", "[Jürgen Müller]; Jürgen; Müller; #Chor");
    says(
        "Nom,Prénom,Anniversaire\nDupré,Élise,14/7/1990",
        "[Élise Dupré]; Élise; Dupré; born 1990-07-14",
    );
    says(
        "Name;Straße und Hausnummer;PLZ/Ort;geb. am;E-Mail ID\nAnn;Weg 5;53111 Bonn;25.12.1990;a@x",
        "[Ann]; a@x*; ||Weg 5|53111 Bonn|||*; born 1990-12-25",
    );
    says(
        "Name,Groups\nAnn,\"Friends, Chor;Work ::: Boat\"",
        "[Ann]; #Friends; #Chor; #Work; #Boat",
    );
    says("Name,Labels\nAnn,\"a, b ::: c\"", "[Ann]; #a, b; #c");
    says("Name,Given Name,Family Name\nThe Boss,Ann,Ash", "[The Boss]; Ann; Ash");
    says("Name,Nickname\nAnn Ash,Annie", "[Ann Ash]; Annie");
}

#[test]
fn cells_as_spreadsheets_and_other_programs_fill_them() {
    says("Name,Phone\nAnn,\"=\"\"0301234567\"\"\"", "[Ann]; 0301234567*");
    says("Name,Phone\nAnn,=\"0301234567\"", "[Ann]; 0301234567*");
    says("Name,Email\nAnn,a@x.example / b@x.example", "[Ann]; a@x.example*; b@x.example");
    // Google puts the formatted address together from the other columns.
    says(
        "Name,Address 1 - Formatted,Address 1 - Street,Address 1 - City,Address 1 - Region\nAnn,\"Way 1\nOslo, V\",Way 1,Oslo,V",
        "[Ann]; ||Way 1|Oslo|V||*",
    );
    // Two files in one: the header comes again.
    let all = rows("Name,Phone\nAnn,5550101\nName,Phone\nBob,5550102\n");
    assert_eq!(all.iter().map(|row| row.line).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(rows("Name\nName\n").len(), 1);
    assert_eq!(rows("Name,Phone\nAnn,5550101\n\0\0\0\n\u{1a}").len(), 1);
    let read = read("Name,,Shoe\nAnn,x,42\n");
    assert_eq!(
        read.warnings[0].1,
        "columns that no member takes are kept (X-CSV-…): a column without a name, Shoe"
    );
}
