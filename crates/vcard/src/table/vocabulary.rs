//! The vocabulary of headers: see `words`. Each text is a list, separated by commas.

use super::kinds::Kind::{Address, Custom, Date, Email, Online, Phone, Relation, Url};
use super::kinds::Word::{self, Entry, Filler, Line, Place, Second};
use super::kinds::{Member, Part};

/// Whole headers.
pub(super) const NAMES: &[(Word, &str)] = &[
    (
        Word::Member(Member::Prefix),
        "prefix, name prefix, honorific prefix, honorific prefixes, salutation, honorific, mr mrs, akad titel, akademischer titel, anrede, namenspräfix, titre de civilité, civilité, préfixe, \
         tratamiento, prefijo, prefisso, prefiks, forma grzecznościowa, звернення, звертання, префікс, обращение, префикс, 肩書き, 敬称接頭, préfixe du nom, prefijo del nombre, prefisso del nome, \
         prefiks imienia, префікс імені, префикс имени, 名前の接頭辞",
    ),
    (Word::Member(Member::Title), "title, titel, titre, título, titolo, tytuł, титул"),
    (
        Word::Member(Member::First),
        "first name, first, given name, given, forename, christian name, first names, first initial, contact first name, forenames, given names, vornamen, prénoms, nombres, primer nombre, imiona, vorname, rufname, prénom, nombre, nombre de pila, \
         nome, nome di battesimo, imię, ім'я, імя, имя, 名, 名前 名, ファーストネーム",
    ),
    (
        Word::Member(Member::Middle),
        "middle name, middle, additional name, second name, middle names, additional names, middle initial, weitere vornamen, zweiter vorname, deuxième prénom, \
         autres prénoms, segundo nombre, secondo nome, drugie imię, по батькові, отчество, ミドル ネーム",
    ),
    (
        Word::Member(Member::Last),
        "last name, last, family name, surname, nachname, contact last name, family names, primer apellido, familienname, zuname, nom, nom de famille, apellidos, apellido, \
         cognome, nazwisko, прізвище, фамилия, 姓, 苗字, 名字",
    ),
    (
        Word::Member(Member::Suffix),
        "suffix, name suffix, honorific suffix, honorific suffixes, namenssuffix, suffixe, sufijo, suffisso, titolo straniero, sufiks, суфікс, \
         суффикс, 敬称, suffixe du nom, sufijo del nombre, suffisso del nome, sufiks nazwiska, суфікс імені, суффикс имени, 名前の接尾辞",
    ),
    (
        Word::Member(Member::Nickname),
        "nickname, nick name, mozilla nickname, nick, known as, preferred name, alias, spitzname, surnom, pseudo, apodo, soprannome, pseudonim, przezwisko, псевдонім, \
         прізвисько, псевдоним, прозвище, ニックネーム, 愛称",
    ),
    (
        Word::Member(Member::Full),
        "name, full name, fullname, formatted name, saved name, contact person, kontaktperson, ansprechpartner, ansprechpartnerin, interlocuteur, \
         persona de contacto, persona di contatto, referente, osoba kontaktowa, контактна особа, контактное лицо, 担当者, 担当者名, display name, contact, contact name, person, voller name, vollständiger name, \
         anzeigename, kontakt, nom complet, nom à afficher, nom affiché, nombre completo, nombre para mostrar, nombre a mostrar, name vorname, vorname name, vor und nachname, vor und zuname, \
         nome completo, nome visualizzato, nominativo, nazwa, imię i nazwisko, nazwa wyświetlana, wyświetlana nazwa, \
         піб, повне ім'я, найменування, наименование, お名前, коротке ім'я, фио, полное имя, отображаемое имя, 氏名, 名前, 表示名, フルネーム",
    ),
    (
        Word::Member(Member::FileAs),
        "file as, speichern unter, ablegen unter, classer sous, archivar como, archivia come, zapisz jako, зберегти як, \
         хранить как, 表題",
    ),
    (
        Word::Member(Member::Organization),
        "organization, organisation, org, company, companies, company name, account name, organization name, organisation name, name der organisation, employer, firm, firma, \
         unternehmen, arbeitgeber, société, entreprise, organización, empresa, compañía, società, azienda, ditta, \
         organizzazione, organizacja, nazwa firmy, організація, компанія, фірма, организация, компания, фирма, 会社, 会社名, \
         місце роботи, место работы, lieu de travail, 勤務先, 組織, 組織名, 所属, контрагент, associated company, related company, company organization, business name, employer name, organization company, firmenname, \
         nom de l'organisation, nom de l'entreprise, nom de la société, nombre de la organización, nombre de la empresa, \
         nome dell'organizzazione, nome azienda, ragione sociale, nazwa organizacji, назва організації, назва компанії, \
         название организации, название компании",
    ),
    (
        Word::Member(Member::Department),
        "department, organization department, dept, division, abteilung, abteilung der organisation, service, département, departamento, reparto, ufficio reparto, \
         dział, відділ, отдел, 部署, 部門, org unit, organizational unit, service de l'organisation, departamento de la organización, \
         reparto dell'organizzazione, dział organizacji, відділ організації, отдел организации, 組織の部署, 部署名",
    ),
    (
        Word::Member(Member::JobTitle),
        "job title, job, job position, position, function, organization title, role, arbeitstitel, berufsbezeichnung, titel in der organisation, funktion, stelle, fonction, poste, poste fonction, titre de poste, titre du poste, intitulé du poste, \
         cargo, puesto, posizione, qualifica, mansione, stanowisko, посада, должность, 役職, 職種, designation, titre dans l'organisation, cargo en la organización, \
         puesto en la organización, titolo nell'organizzazione, stanowisko w organizacji, посада в організації, \
         должность в организации, 組織での役職, ruolo, 役職名, 肩書",
    ),
    (
        Word::Member(Member::Occupation),
        "profession, occupation, beruf, métier, profesión, professione, zawód, професія, профессия, 職業",
    ),
    (
        Word::Member(Member::Birthday),
        "birthday, birth date, date of birth, birthday yyyy mm dd, birthday mm dd yyyy, birthday dd mm yyyy, birthday mm dd, \
         date of birth yyyy mm dd, date of birth dd mm yyyy, date of birth mm dd yyyy, bday, dob, born, geburtstag, geb tag, geburtsdatum, geb datum, geboren, geboren am, geb, geb am, anniversaire, anniversaire de naissance, date anniversaire, date d'anniversaire, \
         né le, né(e) le, nacido el, f nacimiento, nato il, urodzony, \
         date de naissance, date naissance, naissance, cumpleaños, fecha de nacimiento, fecha nacimiento, fecha nac, compleanno, data di nascita, data nascita, urodziny, \
         data urodzenia, data ur, день народження, дата народження, дата народж, день рождения, дата рождения, дата рожд, 誕生日, 生年月日",
    ),
    (
        Word::Member(Member::BirthYear),
        "birth year, year of birth, geburtsjahr, année de naissance, año de nacimiento, anno di nascita, rok urodzenia, \
         рік народження, год рождения, 誕生年, 生年",
    ),
    (
        Word::Member(Member::BirthMonth),
        "birth month, geburtsmonat, mois de naissance, mes de nacimiento, mese di nascita, miesiąc urodzenia, \
         місяць народження, месяц рождения, 誕生月",
    ),
    (
        Word::Member(Member::BirthDay),
        "birth day, day of birth, jour de naissance, día de nacimiento, giorno di nascita, dzień urodzenia",
    ),
    (
        Word::Member(Member::Notes),
        "notes, note, personal notes, additional data, memo, info, additional information, bio, commentaire, observations, comment, comments, remarks, description, notizen, notiz, bemerkung, bemerkungen, \
         anmerkungen, kommentar, remarques, remarque, commentaires, notas, comentarios, observaciones, commenti, \
         osservazioni, notatki, notatka, uwagi, нотатки, нотатка, примітки, примітка, коментар, коментарі, заметки, заметка, примечания, примечание, комментарий, комментарии, メモ, 備考",
    ),
    (
        Word::Member(Member::Labels),
        "labels, group membership, étiquettes, libellés, etiquetas, etichette, etykiety, мітки, ярлыки, ラベル",
    ),
    (
        Word::Member(Member::Categories),
        "categories, category, теги, tags, tag, list, lists, group, groups, kategorien, kategorie, schlagwörter, gruppe, gruppen, catégories, catégorie, \
         groupe, groupes, categorías, categoría, grupo, grupos, categorie, gruppo, gruppi, kategoria, grupa, grupy, категорії, \
         категорія, група, групи, категории, категория, группа, группы, 分類, 分類項目, カテゴリ, グループ",
    ),
    (Word::Member(Member::Uid), "uid"),
    (
        Line("X-PHONETIC-FIRST-NAME"),
        "phonetic first name, given name yomi, given yomi, 名フリガナ, 名前フリガナ, 名ふりがな, 名のふりがな, 名読み, \
         phonetischer vorname, prénom phonétique, nombre fonético, nome fonetico, imię fonetyczne",
    ),
    (
        Line("X-PHONETIC-MIDDLE-NAME"),
        "phonetic middle name, additional name yomi, phonetischer zweiter vorname",
    ),
    (
        Line("X-PHONETIC-LAST-NAME"),
        "phonetic last name, family name yomi, surname yomi, 姓フリガナ, 姓ふりがな, 姓のふりがな, 姓読み, phonetischer nachname, \
         nom phonétique, apellido fonético, apellidos fonéticos, cognome fonetico, nazwisko fonetyczne",
    ),
    (
        Entry(Phone, "home"),
        "home, home number, abitazione, particular, дом, дім, домашний, домашній",
    ),
    (
        Entry(Phone, "work"),
        "work, work number, office number, business number, ufficio, раб, рабочий, роб, робочий, служебный, службовий",
    ),
    (Entry(Phone, "other"), "other, other number"),
    (Word::Kind(Address), "domicilio"),
    (Word::Kind(Phone), "number, alternate number, alternative number, second number"),
    (Entry(Url, "blog"), "blog"),
    (
        Entry(Phone, "main"),
        "main, primary, primary phone, main phone, haupttelefon, téléphone principal, teléfono principal, telefono principale, \
         telefon podstawowy, główny telefon, основний телефон, основной телефон, 通常の電話, 代表電話",
    ),
    (
        Entry(Phone, "company main"),
        "company main phone, company phone, telefon firma, téléphone société, ligne principale société, \
         téléphone principal de la société, número de centralita de la organización, \
         teléfono principal de la organización, telefono principale società, główny telefon do firmy, \
         основний телефон організації, основной телефон организации, 会社代表電話",
    ),
    (
        Entry(Phone, "car"),
        "car phone, autotelefon, téléphone voiture, teléfono del automóvil, telefono auto, telefon w samochodzie, \
         телефон в автомобілі, телефон у машині, телефон в машине, 自動車電話",
    ),
    (
        Entry(Phone, "radio"),
        "radio phone, radiotelefon, radiotéléphone, radioteléfono, radiotelefono, радіотелефон, радиотелефон, 無線電話",
    ),
    (
        Entry(Phone, "callback"),
        "callback, rückmeldung, rappel, devolución de llamada, richiamata automatica, wywołanie zwrotne, зворотний виклик, обратный вызов, コールバック",
    ),
    (
        Entry(Phone, "assistant"),
        "assistants phone, assistant phone, asst phone, telefon assistent, téléphone de l'assistant(e), teléfono del ayudante, \
         telefono assistente, telefon asystenta, телефон помічника, телефон помощника, 秘書の電話",
    ),
    (Entry(Phone, "isdn"), "isdn, rnis, rdsi"),
    (Entry(Phone, "telex"), "telex, télex, télex, teleks, телекс, テレックス"),
    (
        Entry(Phone, "tty"),
        "tty tdd phone, tty tdd, téléphone tdd tty, telefon für hörbehinderte, número de teletipo, telefono tty tdd, telefon tty tdd, телефон tty tdd, телетайп телефон с титрами",
    ),
    (Entry(Phone, "yahoo"), "yahoo phone"),
    (
        Word::Kind(Url),
        "url, urls, website, web site, sites, web, www, web page, web page address, webpage, home page, homepage, www home page, internet, webseite, internetseite, \
         page web, site web, site internet, página web, sitio web, pagina web, sito web, sito, strona sieci web, \
         strona internetowa, strona www, веб-сторінка, вебсайт, сайт, веб-страница, web ページ, ウェブサイト, ホームページ",
    ),
    (
        Entry(Date, "anniversary"),
        "anniversary, wedding anniversary, jahrestag, hochzeitstag, anniversaire de mariage, anniversaire de mariage ou fête, aniversario, anniversario, \
         rocznica, річниця, годовщина, 記念日",
    ),
    (Entry(Relation, "mother"), "mother, mothers name"),
    (Entry(Relation, "father"), "father, fathers name"),
    (
        Entry(Relation, "spouse"),
        "spouse, partner, partner in, spouse name, spouses name, partner name, partners name, husband, wife, ehepartner, conjoint(e), conjoint, cónyuge, coniuge, nome coniuge, współmałżonek, małżonek, дружина, супруг(а), супруга, чоловік, супруг, жена, муж, 配偶者",
    ),
    (
        Entry(Relation, "child"),
        "children, childrens names, kinder, enfants, hijos, figli, dzieci, діти, дети, 子供",
    ),
    (
        Entry(Relation, "manager"),
        "manager, manager name, managers name, name des der vorgesetzten, vorgesetzter, responsable, nombre del director, nome manager, \
         kierownik, imię i nazwisko menedżera, керівник, ім'я керівника, руководитель, имя руководителя, マネージャー",
    ),
    (
        Entry(Relation, "assistant"),
        "assistant, assistant(e), assistent(in), asystent, assistant name, assistants name, name assistent, nom de l'assistant(e), nombre del ayudante, nome assistente, \
         imię i nazwisko asystenta, ім'я помічника, имя помощника, 秘書の氏名",
    ),
    (
        Word::Kind(Online),
        "im, ims, social profiles, im address, im addresses, instant messaging address, screen name, messenger, messenger id, messenger-name, instant messenger, nome instant messenger, chat, indirizzi im, online",
    ),
    (Entry(Online, "skype"), "skype, skype id, skype name"),
    (Entry(Online, "matrix"), "matrix, matrix id"),
    (Entry(Online, "telegram"), "telegram, telegram username, телеграм, телеграмм"),
    (Entry(Online, "signal"), "signal"),
    (Entry(Online, "viber"), "viber"),
    (Entry(Online, "mastodon"), "mastodon"),
    (Entry(Online, "github"), "github"),
    (Entry(Online, "whatsapp"), "whatsapp"),
    (Entry(Online, "xmpp"), "xmpp, jabber, jabber id"),
    (Entry(Online, "twitter"), "twitter, twitter handle, twitter url"),
    (Entry(Online, "facebook"), "facebook, facebook url, facebook profile"),
    (Entry(Online, "instagram"), "instagram, instagram handle, instagram url"),
    (Entry(Online, "linkedin"), "linkedin, linkedin url, linkedin profile, linkedin profile url"),
    (Entry(Online, "icq"), "icq, icq id"),
    (Entry(Online, "aim"), "aim, aim id"),
    (Entry(Online, "msn"), "msn, msn id"),
    (Entry(Online, "irc"), "irc, irc id"),
    (Entry(Online, "qq"), "qq, qq id"),
    (Entry(Online, "google talk"), "google id, google talk, gtalk"),
];

/// The words that other headers are made of.
pub(super) const WORDS: &[(Word, &str)] = &[
    (
        Word::Kind(Email),
        "email, emails, mail, mails, internet address, contact email, contact mail, 携帯メール, pcメール, емейл, email id, mail id, e-mail address, e-mail-adresse, mailadresse, courriel, courrier, courrier électronique, \
         messagerie, adresse électronique, correo, correo electrónico, posta elettronica, posta el, poczta, \
         poczta elektroniczna, пошта, ел. пошта, ел. пошти, ел. пошту, ел. адреса, електронна пошта, електронної пошти, \
         эл. почта, эл. адрес, электронный адрес, эл. почты, электронная почта, электронной почты, почта, имейл, мейл, 電子メール, メール, メールアドレス, eメール",
    ),
    (
        Word::Kind(Phone),
        "phone, phones, tfno, phone number, phone numbers, telephone, tel, contact number, contact no, contact phone, ph, landline, land line, direct line, direct dial, \
         n de téléphone, n téléphone, n tél, n de tél, telefon, telefonnummer, rufnummer, festnetz, téléphone, tél, \
         teléfono, teléfonos, telefono, telefonu, телефон, телефону, телефона, тел, 電話, 電話番号, tel.-nr.",
    ),
    (
        Entry(Phone, "mobile"),
        "mobile, mobil, iphone, cell, mobilfunk, gsm, сотовый, cellular, cell phone, mobiltelefon, handy, handynummer, natel, portable, móvil, celular, cellulare, \
         komórka, komórkowy, komórkowego, kom, мобільний, моб, мобильный, переносной, 携帯, 携帯電話",
    ),
    (
        Entry(Phone, "fax"),
        "fax, facsimile, telefax, faxnummer, télécopie, télécopieur, faks, faksu, факс, факса, факсу, ファックス, ファクス",
    ),
    (
        Entry(Phone, "pager"),
        "pager, pagera, beeper, récepteur de radiomessagerie, téléavertisseur, radiomessagerie, localizador, buscapersonas, \
         cercapersone, пейджер, пейджера, ポケットベル",
    ),
    (
        Word::Kind(Address),
        "address, addresses, addr, postal address, adresse postale, adresse, anschrift, postanschrift, dirección, direcciones, indirizzo, adres, адреса, адрес, 住所, アドレス",
    ),
    (
        Word::Part(Part::Street),
        "street, street address, address line, house number, straße, strasse, str, hausnummer, hausnr, numero civico, rue, calle, via, ulica, вулиця, улица, 番地, 町名番地",
    ),
    (
        Word::Part(Part::City),
        "city, town, locality, suburb, post town, commune, localidad, municipio, населённый пункт, населений пункт, ort, stadt, wohnort, plz ort, plz wohnort, plz stadt, postleitzahl ort, code postal ville, cp ville, cap città, \
         zip city, ville, ciudad, población, città, citta, comune, miasto, miejscowość, місто, город, 市町村, 市区町村",
    ),
    (
        Word::Part(Part::Region),
        "state, region, province, county, bundesland, kanton, state province, dép, dépt, département région, région, état, \
         estado, provincia, provincia o estado, prov, województwo, область, регіон, регион, 都道府県",
    ),
    (
        Word::Part(Part::PostalCode),
        "postal code, post code, postcode, pin code, pincode, eircode, zip, zip code, zipcode, zip postal code, postal zip code, plz, postleitzahl, code postal, código postal, cp, cap, \
         codice postale, kod pocztowy, kod, індекс, поштовий код, поштовий індекс, индекс, почтовый код, почтовый индекс, 郵便番号",
    ),
    (
        Word::Part(Part::Country),
        "country, country region, country or region, nation, land, land region, staat, pays, pays région, país, país o región, paese, \
         paese area geografica, nazione, kraj, kraj region, країна, країна або регіон, страна, страна или регион, 国, 国または地域, \
         地域",
    ),
    (
        Word::Part(Part::PoBox),
        "po box, post office box, postfach, boîte postale, bp, apartado postal, apartado de correos, casella postale, \
         skrytka pocztowa, поштова скринька, почтовый ящик, абонентский ящик, 私書箱, 住所私書箱",
    ),
    (
        Word::Part(Part::Extended),
        "extended address, extended, apartment, apt, suite, floor, adresszusatz, complément d'adresse, 建物名, erweiterte adresse, \
         adresse étendue, dirección ampliada, dirección extendida, indirizzo esteso, adres rozszerzony, \
         розширена адреса, расширенный адрес",
    ),
    (
        Word::Part(Part::Formatted),
        "formatted, full address, formatiert, mise en forme, formatée, con formato, formattato, sformatowany, форматована, \
         форматированный, フォーマット済み",
    ),
    (
        Word::Part(Part::Label),
        "label, ラベル, type, typ, tipo, étiquette, etykieta, тип, мітка, ярлык, 種類, libellé, etiqueta, etichetta",
    ),
    (
        Word::Part(Part::Value),
        "value, wert, valeur, valor, valore, wartość, значення, значение, 値",
    ),
    (Word::Part(Part::Service), "service, protocol"),
    (
        Word::Kind(Url),
        "website, websites, web page, webpage, web, url, urls, homepage, webseite, página web, pagina web, site web, page web, \
         sitio web, sito web, witryna, веб-сайт, сайт, ウェブサイト",
    ),
    (
        Word::Kind(Date),
        "event, date, dates, ereignis, événement, evento, wydarzenie, подія, событие, イベント",
    ),
    (Entry(Date, "anniversary"), "anniversary"),
    (
        Word::Kind(Relation),
        "relation, relations, related person, beziehung, relación, relazione, relacja, зв'язок, связь, 関係",
    ),
    (Entry(Relation, "spouse"), "spouse"),
    (Entry(Relation, "child"), "child"),
    (Entry(Relation, "manager"), "manager"),
    (Entry(Relation, "assistant"), "assistant"),
    (Word::Kind(Online), "im, online"),
    (
        Word::Kind(Custom),
        "custom field, benutzerdefiniertes feld, champ personnalisé, campo personalizado, campo personalizzato, \
         pole niestandardowe, pole własne, власне поле, спеціальне поле, настраиваемое поле, カスタム フィールド",
    ),
    (
        Place("home"),
        "home, res, residence, residential, private, personal, privat, priv, perso, privée, privé, domicile, personnel, personnelle, domicilio, residencia, \
         particular, casa, ab, abitazione, residenza, domowy, domowa, domu, prywatny, prywatna, дім, дом, домашній, домашня, \
         домашний, домашняя, частный, личный, личная, особистий, особиста, 自宅, 個人",
    ),
    (
        Place("work"),
        "work, wk, pro, business, office, off, company, geschäftlich, geschäft, geschaeftlich, geschäftl, geschaeftl, gesch, beruflich, dienstlich, dienstl, dienst, arbeit, büro, bureau, \
         travail, professionnel, professionnelle, bureautique, trabajo, oficina, laboral, uff, ufficio, lavoro, służbowy, \
         służbowa, praca, pracy, firmowy, роб, робочий, робоча, служб, службовий, раб, рабочий, рабочая, служебный, служебная, \
         会社, 勤務先, 職場",
    ),
    (
        Place("other"),
        "other, weitere, weiterer, weiteres, weiteres/r, weiteres/e, andere, sonstige, autre, otro, otra, altro, altra, inny, inna, \
         інший, інша, другой, другая, другое, その他, その他の",
    ),
    (Place("billing"), "billing"),
    (Place("shipping"), "shipping"),
    (
        Second,
        "second, secondary, alternate, nd, sekundäre, sekundär, zweite, deuxième, secondaire, secundario, secundaria, secondaria, secondario, drugi, dodatkowy, \
         додаткова, додатковий, второй, доп, дополнительный, дополнительная, サブ, サブの",
    ),
    (
        Filler,
        "mailing, general, primary, required, optional, preferred, primäre, primär, première, principale, principal, primario, primaria, główny, podstawowy, первый, fixe, fijo, fisso, основна, основной, メイン, メインの, of, the, number, no, num, nummer, nr, \
         numéro, número, numer, numero, номер, 番号, de, du, des, del, della, di, la, le, l, der, die, das, do, w, dla, or, oder, and, und, et, y, e, i, и, і, \
         та, или, або, o, の, または",
    ),
];
