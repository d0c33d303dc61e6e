//! Tables that people bring, found by trying what programs write once more by the hundred.

use vcard::Details;
use vcard::table::{self, Options};

/// What a row says, what is kept beside it, and all that is said of the table and the row.
type Row = (Details, Vec<(String, String)>, Vec<String>);

fn rows(text: &str) -> Vec<Row> {
    let table = table::read(text, &Options { map: &[] }).unwrap_or_else(|why| panic!("{why}"));
    let of_table: Vec<String> = table.warnings().iter().map(|it| it.detail.clone()).collect();
    let rows = table.rows().map(Result::unwrap);
    let owned = |row: table::Row<'_>| {
        let kept = row.kept.into_iter().map(|(name, text)| (name.into_owned(), text)).collect();
        let said = of_table.iter().cloned().chain(row.warnings.into_iter().map(|it| it.detail));
        (row.details, kept, said.collect())
    };
    rows.map(owned).collect()
}

fn row(header: &str, cells: &str) -> Row {
    rows(&format!("{header}\n{cells}\n")).remove(0)
}

/// Google's columns in six more languages; what no member takes is a line of its own.
#[test]
fn google_in_the_languages_of_people() {
    let languages = [
        "Vorname,Phonetischer Vorname,Nachname,Namenspräfix,Namenssuffix,Name der Organisation,Titel in der Organisation,\
         Abteilung der Organisation,E-Mail 1 – Label,E-Mail 1 – Wert,Adresse 1 – Erweiterte Adresse,Website 1 – Label,\
         Website 1 – Wert,Ereignis 1 – Label,Ereignis 1 – Wert,Beziehung 1 – Label,Beziehung 1 – Wert,\
         Benutzerdefiniertes Feld 1 – Label,Benutzerdefiniertes Feld 1 – Wert",
        "Prénom,Prénom phonétique,Nom,Préfixe du nom,Suffixe du nom,Nom de l'organisation,Titre dans l'organisation,\
         Service de l'organisation,E-mail 1 - Libellé,E-mail 1 - Valeur,Adresse 1 - Adresse étendue,Site Web 1 - Libellé,\
         Site Web 1 - Valeur,Événement 1 - Libellé,Événement 1 - Valeur,Relation 1 - Libellé,Relation 1 - Valeur,\
         Champ personnalisé 1 - Libellé,Champ personnalisé 1 - Valeur",
        "Nombre,Nombre fonético,Apellidos,Prefijo del nombre,Sufijo del nombre,Nombre de la organización,\
         Cargo en la organización,Departamento de la organización,Correo electrónico 1 - Etiqueta,\
         Correo electrónico 1 - Valor,Dirección 1 - Dirección extendida,Sitio web 1 - Etiqueta,Sitio web 1 - Valor,\
         Evento 1 - Etiqueta,Evento 1 - Valor,Relación 1 - Etiqueta,Relación 1 - Valor,\
         Campo personalizado 1 - Etiqueta,Campo personalizado 1 - Valor",
        "Nome,Nome fonetico,Cognome,Prefisso del nome,Suffisso del nome,Nome dell'organizzazione,\
         Titolo nell'organizzazione,Reparto dell'organizzazione,Email 1 - Etichetta,Email 1 - Valore,\
         Indirizzo 1 - Indirizzo esteso,Sito web 1 - Etichetta,Sito web 1 - Valore,Evento 1 - Etichetta,Evento 1 - Valore,\
         Relazione 1 - Etichetta,Relazione 1 - Valore,Campo personalizzato 1 - Etichetta,Campo personalizzato 1 - Valore",
        "Imię,Imię (fonetyczne),Nazwisko,Prefiks,Sufiks,Nazwa organizacji,Stanowisko w organizacji,Dział organizacji,\
         E-mail 1 – etykieta,E-mail 1 – wartość,Adres 1 – adres rozszerzony,Witryna 1 – etykieta,Witryna 1 – wartość,\
         Wydarzenie 1 – etykieta,Wydarzenie 1 – wartość,Relacja 1 – etykieta,Relacja 1 – wartość,\
         Pole niestandardowe 1 – etykieta,Pole niestandardowe 1 – wartość",
        "名,名（ふりがな）,姓,名前の接頭辞,名前の接尾辞,組織名,組織での役職,組織の部署,メール 1 - ラベル,メール 1 - 値,\
         住所 1 - 建物名,ウェブサイト 1 - ラベル,ウェブサイト 1 - 値,イベント 1 - ラベル,イベント 1 - 値,\
         関係 1 - ラベル,関係 1 - 値,カスタム フィールド 1 - ラベル,カスタム フィールド 1 - 値",
    ];
    let cells = "Ann,En,Ash,Dr.,Jr.,Acme,Boss,R&D,club,a@x.example,2nd floor,blog,https://x.example,moved,2010-05-06,\
        sister,Eve,size,XL";
    for header in languages {
        let (it, kept, said) = row(header, cells);
        assert_eq!(it.display_name, "Dr. Ann Ash Jr.", "{header}");
        let work = [&it.organization, &it.job_title, &it.department].map(|it| it.as_deref());
        assert_eq!(work, [Some("Acme"), Some("Boss"), Some("R&D")], "{header}");
        assert_eq!(it.addresses[0].extended.as_deref(), Some("2nd floor"), "{header}");
        let labels =
            [&it.emails[0].label, &it.urls[0].label, &it.dates[0].label, &it.relations[0].label];
        let labels = labels.map(|it| it.as_deref());
        assert_eq!(labels, ["club", "blog", "moved", "sister"].map(Some), "{header}");
        let lines = [("X-PHONETIC-FIRST-NAME", "En"), ("X-CSV-SIZE", "XL")];
        let lines = lines.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!((kept, said), (lines.to_vec(), Vec::new()), "{header}");
    }
    for header in [
        "Ім'я,Префікс імені,Назва організації,Посада в організації,Відділ організації,Веб-сайт 1 – мітка,\
         Веб-сайт 1 – значення,Зв'язок 1 – мітка,Зв'язок 1 – значення",
        "Имя,Префикс имени,Название организации,Должность в организации,Отдел организации,Сайт 1 – ярлык,\
         Сайт 1 – значение,Связь 1 – ярлык,Связь 1 – значение",
    ] {
        let (it, kept, _) = row(header, "Ann,Dr.,Acme,Boss,R&D,blog,https://x.example,sister,Eve");
        assert_eq!((it.display_name.as_str(), it.job_title.as_deref()), ("Dr. Ann", Some("Boss")));
        assert_eq!((it.urls.len(), it.relations.len(), kept), (1, 1, Vec::new()), "{header}");
    }
}

#[test]
fn headers_of_programs_and_by_hand() {
    let (it, kept, _) = row("Contact Name,Contact Number,Contact Email", "Ann,5550101,a@x.example");
    assert_eq!((it.phones.len(), it.emails.len(), kept.len()), (1, 1, 0));
    let (it, ..) = row("First Name,Additional Names,Associated Company,Org Unit", "A,B,Acme,R&D");
    let said = [&it.middle_name, &it.organization, &it.department].map(|it| it.as_deref());
    assert_eq!(said, [Some("B"), Some("Acme"), Some("R&D")]);
    let header = "Name,Dept,Eircode,Landline,Company Email,2nd Email,LinkedIn URL,Blog,Memo,Tag,Husband,Billing City";
    let cells =
        "A,R&D,D02 AF30,5550101,a@x.example,b@x.example,in/a,https://b.example,hi,red,Tom,Oslo";
    let (it, kept, _) = row(header, cells);
    assert_eq!((it.department.as_deref(), it.phones.len(), kept), (Some("R&D"), 1, Vec::new()));
    assert_eq!(it.addresses[0].postal_code.as_deref(), Some("D02 AF30"));
    assert_eq!(it.addresses[1].label.as_deref(), Some("billing"));
    assert_eq!((it.emails[0].label.as_deref(), it.emails.len()), (Some("work"), 2));
    assert_eq!((it.online[0].service.as_deref(), it.urls.len()), (Some("linkedin"), 1));
    assert_eq!((it.additional_data.as_deref(), it.labels), (Some("hi"), vec!["red".to_owned()]));
    assert_eq!(it.relations[0].label.as_deref(), Some("spouse"));
    for header in ["GSM", "Сотовый телефон", "Моб. тел.", "Cell #"] {
        let (it, ..) = row(&format!("Name,{header}"), "A,5550101");
        assert_eq!(it.phones[0].label.as_deref(), Some("mobile"), "{header}");
    }
    for header in ["Localidad", "Commune", "Населений пункт", "Suburb", "Town/City"] {
        let (it, ..) = row(&format!("Name,{header}"), "A,Oslo");
        assert_eq!(it.addresses[0].city.as_deref(), Some("Oslo"), "{header}");
    }
    for header in ["Vornamen", "Prénoms", "Nombres", "Imiona", "Forename(s)"] {
        let (it, ..) = row(&format!("{header},E-mail"), "Ann,a@x.example");
        assert_eq!(it.first_name.as_deref(), Some("Ann"), "{header}");
    }
    for header in ["Phone (required)", "Number"] {
        let (it, ..) = row(&format!("Name,{header}"), "A,5550101");
        assert_eq!(it.phones.len(), 1, "{header}");
    }
    let (it, ..) = row("Firma;Ansprechpartner;Birthday (YYYY-MM-DD)", "Acme;Ann;1990-04-12");
    assert_eq!((it.display_name.as_str(), it.birthday.is_some()), ("Ann", true));
    let (it, ..) = row("Name,Asst. Phone,Designation", "A,5550101,Clerk");
    assert_eq!(it.phones[0].label.as_deref(), Some("assistant"));
    assert_eq!(it.job_title.as_deref(), Some("Clerk"));
}

#[test]
fn a_form_of_address_that_two_columns_say_is_said_once() {
    for (form, title, prefix) in [
        ("Herr", "Herr Dr.", "Herr Dr."),
        ("Herr", "Dr. Herr", "Herr Dr."),
        ("Herr Prof.", "prof.", "Herr Prof."),
        ("Frau", "Dr. Dr.", "Frau Dr. Dr."),
        ("Frau", "", "Frau"),
    ] {
        let (it, ..) = row("Anrede,Titel,Nachname", &format!("{form},{title},Moser"));
        assert_eq!(it.prefix.as_deref(), Some(prefix), "{form} {title}");
    }
}

#[test]
fn another_birthday_is_one_more() {
    let (it, kept, said) = row("Name,Birthday,Date of birth", "Ann,1990-04-12,1991-04-12");
    assert_eq!(it.birthday.unwrap().to_string(), "1990-04-12");
    assert_eq!(kept, [("X-CSV-DATE-OF-BIRTH".to_owned(), "1991-04-12".to_owned())]);
    let why = "birthday: \"1991-04-12\" is one more; it is kept as X-CSV-DATE-OF-BIRTH";
    assert_eq!(said, [why]);
}

#[test]
fn dates_with_dashes_have_the_order_of_their_column() {
    let born = |text: &str| -> Vec<_> {
        rows(text).into_iter().map(|(it, ..)| it.birthday.unwrap().to_string()).collect()
    };
    let text = "Name;Geburtsdatum\nA;05-06-1990\nB;31-12-1990\nC;1990. 6. 5.\n";
    assert_eq!(born(text), ["1990-06-05", "1990-12-31", "1990-06-05"]);
    assert_eq!(born("Name,Birthday\nA,05-06-1990\nB,12-31-1990\n"), ["1990-05-06", "1990-12-31"]);
    let (it, _, said) = row("Name,Birthday", "A,05-06-1990");
    assert_eq!(it.birthday.unwrap().to_string(), "1990-05-06");
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn addresses_with_blanks_or_more_than_one_separator_between_them() {
    for cell in
        ["a@x.example b@x.example", "a@x.example; ; ;b@x.example", "a@x.example,\tb@x.example;"]
    {
        let (it, _, said) = row("Name,Email", &format!("A,\"{cell}\""));
        let values: Vec<&str> = it.emails.iter().map(|it| it.value.as_str()).collect();
        assert_eq!((values, said), (vec!["a@x.example", "b@x.example"], Vec::new()), "{cell}");
    }
    let (it, ..) = row("Name,Email", "A,Ann Ash <a@x.example>");
    assert_eq!(it.emails[0].value, "a@x.example");
    let (it, ..) = row("Name,Email", "A,a@x.example or so");
    assert_eq!(it.emails.len(), 1);
}

#[test]
fn labels_in_quotes_are_the_labels() {
    let (it, ..) = row("Name,TAGS", "A,\"\"\"x\"\",\"\"y z\"\"\"");
    assert_eq!(it.labels, ["x", "y z"]);
}

#[test]
fn an_ordinary_row_is_kept_by_its_columns() {
    let header = "Name,Billing Information,Directory Server,Organization 1 - Job Description,External ID 1 - Type,Initials";
    let (_, kept, _) = row(header, "Ann Ash from the club,Bill,DS,the job,customer number,AA");
    assert_eq!(kept.len(), 5);
    assert_eq!(kept[3], ("X-CSV-EXTERNAL-ID-1-TYPE".to_owned(), "customer number".to_owned()));
}

#[test]
fn the_number_of_a_house_stands_behind_its_street() {
    for (number, street) in [("5", "Weg 5"), ("12 a", "Weg 12 a"), ("Door 2", "Weg\nDoor 2")] {
        let (it, ..) = row("Name;Straße;Hausnummer;Ort", &format!("A;Weg;{number};Bonn"));
        assert_eq!(it.addresses[0].street.as_deref(), Some(street));
    }
}

/// The header, a row, and what it says: name, first label of a number, city or country, birthday.
#[test]
fn plain_headers_of_more_languages() {
    let same = "Jan;Novak;0301234567;0171234567;a@x.example;Weg 1;11000;Oslo;1990-06-25;hi";
    for header in [
        "Voornaam;Achternaam;Telefoon thuis;Mobiele telefoon;E-mailadres;Straat;Postcode;Woonplaats;Geboortedatum;Opmerkingen",
        "Nome;Sobrenome;Telefone residencial;Telefone celular;Endereço de e-mail;Rua;CEP;Cidade;Aniversário;Observações",
        "Nome próprio;Apelido;Telefone de casa;Telemóvel;E-mail;Morada;Código Postal;Localidade;Data de nascimento;Notas",
        "Jméno;Příjmení;Telefon domů;Mobilní telefon;E-mailová adresa;Ulice;PSČ;Město;Datum narození;Poznámka",
        "Meno;Priezvisko;Telefón domov;Mobil;E-mail;Ulica;PSČ;Mesto;Dátum narodenia;Poznámka",
        "Utónév;Vezetéknév;Telefon (otthoni);Mobiltelefon;E-mail cím;Utca;Irányítószám;Város;Születési dátum;Megjegyzés",
        "Adı;Soyadı;Ev telefonu;Cep;E-posta;Adres;Posta kodu;Şehir;Doğum tarihi;Notlar",
        "Förnamn;Efternamn;Telefon (hem);Mobiltelefon;E-postadress;Gatuadress;Postnummer;Ort;Födelsedatum;Anteckningar",
        "Fornavn;Efternavn;Privattelefon;Mobil;E-mail;Adresse;Postnr.;By;Fødselsdag;Noter",
        "Fornavn;Etternavn;Telefon hjemme;Mobiltelefon;E-post;Adresse;Postnr;Poststed;Fødselsdato;Notater",
        "Etunimi;Sukunimi;Kotipuhelin;Matkapuhelin;Sähköposti;Katuosoite;Postinumero;Postitoimipaikka;Syntymäaika;Muistiinpanot",
        "Prenume;Nume;Telefon acasă;Telefon mobil;Adresă de e-mail;Stradă;Cod poștal;Oraș;Data nașterii;Observații",
        "Όνομα;Επώνυμο;Τηλέφωνο οικίας;Κινητό;Διεύθυνση email;Οδός;Τ.Κ.;Πόλη;Ημερομηνία γέννησης;Σημειώσεις",
        "ΟΝΟΜΑ;ΕΠΩΝΥΜΟ;ΤΗΛΕΦΩΝΟ ΟΙΚΙΑΣ;ΚΙΝΗΤΟ;EMAIL;ΟΔΟΣ;ΤΚ;ΠΟΛΗ;ΓΕΝΕΘΛΙΑ;ΣΗΜΕΙΩΣΕΙΣ",
        "Ime;Prezime;Telefon home;Mobitel;E-pošta;Adresa;Poštanski broj;Grad;Datum rođenja;Napomena",
        "名;姓;住宅电话;手机;电子邮件地址;地址;邮编;城市;生日;备注",
        "名字;姓氏;家庭電話;手機號碼;電子郵件;地址;郵遞區號;城市;生日;備註",
        "이름;성;집 전화 번호;휴대폰;이메일 주소;주소;우편번호;도시;생년월일;메모",
    ] {
        let (it, kept, said) = row(header, same);
        let names = [&it.first_name, &it.last_name, &it.additional_data].map(|it| it.as_deref());
        assert_eq!(names, [Some("Jan"), Some("Novak"), Some("hi")], "{header}");
        let labels: Vec<_> = it.phones.iter().map(|it| it.label.as_deref()).collect();
        assert_eq!((labels, it.emails.len()), (vec![Some("home"), Some("mobile")], 1), "{header}");
        let address = &it.addresses[0];
        let parts = [&address.street, &address.postal_code, &address.city].map(|it| it.as_deref());
        assert_eq!(parts, [Some("Weg 1"), Some("11000"), Some("Oslo")], "{header}");
        assert_eq!(it.birthday.map(|it| it.to_string()).as_deref(), Some("1990-06-25"), "{header}");
        assert_eq!((kept, said), (Vec::new(), Vec::new()), "{header}");
    }
    for header in [
        "Naam",
        "Ad Soyad",
        "Név",
        "Navn",
        "Nimi",
        "Nume",
        "Ονοματεπώνυμο",
        "联系人",
        "이름",
        "名字",
    ] {
        let (it, ..) = row(&format!("{header};手机"), "Ash Ann;0171234567");
        assert_eq!(
            (it.display_name.as_str(), it.first_name, it.last_name),
            ("Ash Ann", None, None)
        );
    }
}

/// What a header means may be shown by the headers beside it; where nothing shows it, it is kept.
#[test]
fn a_word_of_two_languages_means_what_the_table_is_in() {
    let says = |header: &str, cells: &str| {
        let (it, kept, _) = row(header, cells);
        let address = it.addresses.first();
        let part =
            |part: fn(&vcard::Address) -> &Option<String>| address.and_then(|it| part(it).clone());
        let dates = it.dates.first().map(|it| it.value.to_string());
        let all = [it.nickname, it.last_name, part(|it| &it.region), part(|it| &it.country), dates];
        let all = all.into_iter().chain([it.birthday.map(|it| it.to_string())]).flatten();
        (all.collect::<Vec<_>>().join(" "), kept.len())
    };
    for (header, cells, said, kept) in [
        ("Nombre,Teléfono,Aniversario", "Ann,911234567,2010-05-06", "2010-05-06", 0),
        ("Nome,Telefone,Aniversario", "Ann,911234567,2010-05-06", "2010-05-06", 0),
        ("Nome,Sobrenome,Apelido", "Ann,Ash,Annie", "Annie Ash", 0),
        ("Nome,Morada,Apelido", "Ann,Rua 1,Ash", "Ash", 0),
        ("Nome,E-mail,Apelido", "Ann,a@x.example,Ash", "", 1),
        ("Imię,Miasto,Kraj", "Ann,Łódź,Polska", "Polska", 0),
        ("Jméno,Město,Kraj", "Ann,Praha,Středočeský", "Středočeský", 0),
        ("Name,Phone,By", "Ann,5550101,Bob", "", 1),
        ("Name,Telefon,Grad", "Ann,5550101,Dr.", "", 1),
        ("Naam,Voornaam", "Ash,Ann", "Ash", 0),
        // Words of other words are no words of a header.
        ("Name,Datei,Event Date,Estate", "Ann,a.pdf,2024-01-02,Hill", "", 3),
        ("Name,Domain,Donation,Provider,Island", "Ann,x.example,50,Acme,Malta", "", 4),
    ] {
        assert_eq!(says(header, cells), (said.to_owned(), kept), "{header}");
    }
    assert!(row("Nome,Telefone,Aniversario", "Ann,911234567,2010-05-06").0.birthday.is_some());
}

#[test]
fn a_header_once_more_and_the_rule_under_it_are_nobody() {
    let names =
        |text: &str| -> Vec<_> { rows(text).into_iter().map(|(it, ..)| it.display_name).collect() };
    for text in [
        "Name,Phone\nAnn,5550101\n NAME ,phone\nBob,5550102\n",
        "| Name | Phone |\n|---|:---:|\n| Ann | 5550101 |\n| Bob | 5550102 |\n",
        "+------+---------+\n| name | phone   |\n+------+---------+\n| Ann  | 5550101 |\n| Bob  | 5550102 |\n+------+---------+\n",
        " name | phone\n------+---------\n Ann  | 5550101\n Bob  | 5550102\n",
    ] {
        assert_eq!(names(text), ["Ann", "Bob"], "{text}");
    }
    assert_eq!(names("Name,Phone,Email\n---,,a@x.example\n"), ["---"]);
}

#[test]
fn what_spreadsheets_and_programs_do_to_numbers_and_dates() {
    let (it, kept, said) = row("Name,Phone,Birthday", "Ann,4915112345678.0,'1990-04-12");
    assert_eq!(it.phones[0].value, "4915112345678");
    assert_eq!(it.birthday.unwrap().to_string(), "1990-04-12");
    assert_eq!((kept, said), (Vec::new(), Vec::new()));
    for number in ["12.0", "+49151.12345.0", "030 1234567.0", "4915112345678,0"] {
        assert_eq!(row("Name,Phone", &format!("Ann,\"{number}\"")).0.phones[0].value, number);
    }
}

#[test]
fn the_names_of_all_whom_a_cell_writes_to_are_kept() {
    let (it, kept, _) = row("Name,Email", "Ann,\"Eve <e@x.example>, Fay <f@x.example>\"");
    let names: Vec<&str> = kept.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!((it.emails.len(), names.contains(&"Eve"), names.contains(&"Fay")), (2, true, true));
}

#[test]
fn utf_16_without_a_mark_need_not_be_ascii() {
    for text in [
        "Имя;Телефон\nОлег;0501234567\n",
        "Όνομα;Τηλέφωνο\nΝίκος;2101234567\n",
        "姓名,電話\n一山二郎,0312345678\n",
    ] {
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        // A program that knows single bytes only puts one line end behind it.
        for bytes in [&little[..], &big[..], &[&little[..], b"\n"].concat()] {
            let (read, said) = vcard::decode(bytes, None);
            assert_eq!((read.as_ref(), said), (text, Vec::new()));
        }
    }
    let (_, said) = vcard::decode(b"\xff\xfeA\0\x3d\xd8\n\0", None);
    assert_eq!(said.len(), 1, "half a character is told of");
    // A few zeros are no UTF-16.
    let few = b"Name,Phone\nA\0nn,5550101\n\0\0\0\0";
    assert_eq!(vcard::decode(few, None).0.as_bytes(), few);
}

#[test]
fn a_person_whose_cells_are_words_of_headers_is_no_header() {
    let names =
        |text: &str| -> Vec<_> { rows(text).into_iter().map(|(it, ..)| it.display_name).collect() };
    for text in [
        "Name,Place of birth,From\nAnn,Town,City\nBob,Oslo,Oslo\n",
        "Name;Wo;Wann\nAnn;Home;Work\nBob;;\n",
        "Name,Phone,A,B,C\nAnn,Mobile,Home,Work,City\nBob,5550102\n",
    ] {
        assert_eq!(names(text), ["Ann", "Bob"], "{text}");
    }
    // What stands before a header is none, of one cell or of two.
    for before in ["Phone", "Contact,Ann Ash", "Notes:\n\"When exporting, some are missing\"\n\n"] {
        let text = format!("{before}\nName,Phone,Email\nAnn,5550101,\nBob,5550102,\n");
        assert_eq!(names(&text), ["Ann", "Bob"], "{before}");
    }
}

#[test]
fn a_contact_that_is_a_number_is_no_name() {
    for (header, cells) in
        [("First Name,Contact", "Ann,5550101222"), ("Name,Contact", "Ann,5550101222")]
    {
        let (it, kept, said) = row(header, cells);
        assert_eq!((it.display_name.as_str(), it.phones.len()), ("Ann", 1), "{header}");
        assert_eq!((kept, said), (Vec::new(), Vec::new()), "{header}");
    }
    assert_eq!(row("Company,Contact", "Acme,Ann").0.display_name, "Ann");
    assert_eq!(row("Name,Email", "007,a@x.example").0.display_name, "007");
}
