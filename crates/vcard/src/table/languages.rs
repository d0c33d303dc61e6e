//! Headers in more languages: Dutch, Portuguese, Czech, Slovak, Hungarian, Turkish, Swedish, Danish, Norwegian,
//! Finnish, Romanian, Greek, Croatian, Bulgarian, Chinese and Korean; then Arabic, Persian, Hebrew, Vietnamese, Thai,
//! Hindi, Indonesian, Slovenian, Serbian, Estonian, Latvian, Lithuanian and Belarusian. Only plain ones: what means two
//! things in one language is left out, so that it is kept and named, or it is in [`BESIDE`].

use super::kinds::Kind::{Address, Date, Email, Phone, Relation, Url};
use super::kinds::Word::{self, Entry, Filler, Place, Second};
use super::kinds::{Kind, Member, Part};

/// Words that only a directory has for its columns.
const LDAP: &str = "samaccountname objectclass facsimiletelephonenumber mozillanickname userprincipalname \
    physicaldeliveryofficename mozillasecondemail";

/// Headers that mean one thing alone and another in a language that some header beside them shows: the header, how one
/// of the others begins, and the English header that it is read as.
pub(super) const BESIDE: &[(&str, &str, &str)] = &[
    // Portuguese, where Spanish has an anniversary.
    (
        "aniversario",
        "telefone sobrenome apelido endereco morada telemovel anotacoes observacoes",
        "birthday",
    ),
    // In Brazil a nickname, in Portugal a surname; alone it is unknown.
    ("apelido", "sobrenome", "nickname"),
    ("apelido", "nomeproprio primeironome morada telemovel", "lastname"),
    // A region of Czechs and Slovaks, a country of Poles.
    ("kraj", "psc mesto ulic", "region"),
    ("stat", "psc mesto jmeno prijmeni meno", "country"),
    ("nume", "prenume", "lastname"),
    // Turkish, a postal code in Portuguese, an advertisement in English.
    ("cep", "soyad adi isim eposta", "ceptelefonu"),
    ("ad", "soyad", "firstname"),
    // Danish, Croatian; `Entered` and `By`, or a degree, elsewhere.
    ("byprivat", "postnr postnummer adresse fornavn navn", "homecity"),
    ("byarbejde", "postnr postnummer adresse fornavn navn", "workcity"),
    ("by", "postnr postnummer adresse fornavn navn", "city"),
    ("grad", "prezime", "city"),
    // Names of LDAP and Active Directory, where other headers are words of theirs; `SN` also counts rows.
    ("sn", LDAP, "lastname"),
    ("cn", LDAP, "name"),
    ("l", LDAP, "city"),
    ("st", LDAP, "region"),
    ("co", LDAP, "country"),
    ("o", LDAP, "company"),
    ("ou", LDAP, "department"),
    // Of French offices; of what members pay for elsewhere.
    ("tiers", "nom prenom civilite", "company"),
    // The telephone system 3CX; a branch elsewhere.
    ("business", "businessfax", "businessphone"),
    // A surname in Japanese, a name in Chinese.
    ("名字", "姓", "givenname"),
    ("名字", "手机 电话 邮箱 电子 移动 手機 行動 電子", "name"),
];

/// Whole headers.
pub(super) const NAMES: &[(Word, &str)] = &[
    (
        Word::Member(Member::Prefix),
        "aanhef, prefixo, tratamento, saudação, oslovení, titul před jménem, titul pred menom, előtag, megszólítás, προσφώνηση, \
         称谓, 稱謂",
    ),
    (Word::Member(Member::Title), "titul, tittel, titteli, titlu, τίτλος, ünvan, unvan"),
    (
        Word::Member(Member::First),
        "voornaam, voornamen, roepnaam, nome próprio, primeiro nome, jméno, křestní jméno, meno, krstné meno, keresztnév, utónév, \
         adı, förnamn, tilltalsnamn, fornavn, fornavne, etunimi, etunimet, kutsumanimi, prenume, όνομα, μικρό όνομα, ime, име",
    ),
    (
        Word::Member(Member::Middle),
        "middelste naam, tweede naam, tussenvoegsel, tussenvoegsels, segundo nome, nome do meio, nomes do meio, nome intermediário, \
         druhé jméno, prostřední jméno, druhé meno, középső név, ikinci ad, ikinci adı, mellannamn, mellemnavn, mellomnavn, \
         toinen nimi, al doilea prenume, μεσαίο όνομα, δεύτερο όνομα, 中间名, 中間名, 중간 이름",
    ),
    (
        Word::Member(Member::Last),
        "achternaam, familienaam, geslachtsnaam, sobrenome, último nome, nome de família, apelidos, příjmení, priezvisko, vezetéknév, \
         családnév, soyad, soyadı, soyisim, efternamn, efternavn, etternavn, sukunimi, nume de familie, επώνυμο, επίθετο, prezime, \
         姓氏, 성",
    ),
    (
        Word::Member(Member::Suffix),
        "achtervoegsel, sufixo, titul za jménem, titul za menom, přípona, prípona, utótag, επίθημα",
    ),
    (
        Word::Member(Member::Nickname),
        "bijnaam, alcunha, přezdívka, prezývka, becenév, takma ad, lakap, smeknamn, kælenavn, kallenavn, lempinimi, poreclă, \
         ψευδώνυμο, υποκοριστικό, 昵称, 暱稱, 绰号, 별명, 닉네임",
    ),
    (
        Word::Member(Member::Full),
        "naam, naam en voornaam, naam voornaam, voornaam naam, nome e apelido, volledige naam, weergavenaam, contactpersoon, nome do contato, nome de exibição, celé jméno, \
         celé meno, zobrazované jméno, kontaktní osoba, kontaktná osoba, név, teljes név, kapcsolattartó, isim, isim soyisim, \
         ad soyad, adı soyadı, namn, fullständigt namn, hela namnet, visningsnamn, navn, fulde navn, fullt navn, visningsnavn, nimi, \
         koko nimi, näyttönimi, yhteyshenkilö, nume, nume complet, nume și prenume, nume prenume, ονοματεπώνυμο, πλήρες όνομα, \
         全名, 显示名称, 顯示名稱, 联系人, 聯絡人, 联系人姓名, 聯絡人姓名, 이름, 성명, 전체 이름, 표시 이름, 성 이름",
    ),
    (
        Word::Member(Member::Organization),
        "单位名称, bedrijf, bedrijfsnaam, organisatie, naam van organisatie, naam organisatie, werkgever, organização, nome da empresa, \
         nome da organização, společnost, organizace, zaměstnavatel, název firmy, název společnosti, spoločnosť, organizácia, cég, \
         cégnév, szervezet, vállalat, şirket, şirket adı, kuruluş, kuruluş adı, kurum, företag, företagsnamn, arbetsgivare, \
         virksomhed, firmanavn, bedrift, arbejdsgiver, arbeidsgiver, selskab, selskap, organisasjon, yritys, organisaatio, \
         yrityksen nimi, organisaation nimi, työnantaja, companie, organizație, societate, angajator, εταιρεία, εταιρία, οργανισμός, \
         επιχείρηση, tvrtka, 公司, 公司名称, 公司名稱, 单位, 單位, 工作单位, 组织, 组织名称, 회사, 회사명, 회사 이름, 소속, 조직",
    ),
    (
        Word::Member(Member::Department),
        "afdeling, oddělení, oddelenie, osztály, részleg, departman, bölüm, avdelning, avdeling, osasto, departament, τμήμα, 部门, \
         부서, 부서명",
    ),
    (
        Word::Member(Member::JobTitle),
        "functie, functietitel, função, funkce, pracovní pozice, pozice, funkcia, pozícia, beosztás, munkakör, görev, iş unvanı, \
         pozisyon, befattning, jobbtitel, stilling, jobtitel, jobbtittel, stillingsbetegnelse, tehtävänimike, funcție, funcția, \
         θέση εργασίας, τίτλος εργασίας, 职位, 職位, 职务, 職務, 职称, 職稱, 직책, 직위, 직함, 직급",
    ),
    (
        Word::Member(Member::Occupation),
        "beroep, profissão, ocupação, povolání, povolanie, foglalkozás, meslek, yrke, erhverv, ammatti, profesie, ocupație, \
         επάγγελμα, 职业, 職業, 직업",
    ),
    (
        Word::Member(Member::Birthday),
        "verjaardag, geboortedatum, geboortedag, data de nascimento, data nascimento, data nasc, nascimento, datum narození, \
         narozeniny, dátum narodenia, narodeniny, születésnap, születési dátum, születési idő, doğum tarihi, doğum günü, födelsedag, \
         födelsedatum, född, fødselsdag, fødselsdato, født, syntymäpäivä, syntymäaika, syntynyt, data nașterii, data de naștere, \
         zi de naștere, ziua de naștere, γενέθλια, ημερομηνία γέννησης, ημ γέννησης, datum rođenja, rođendan, дата на раждане, \
         рожден ден, 生日, 出生日期, 생일, 생년월일",
    ),
    (
        Word::Member(Member::Notes),
        "notities, notitie, opmerkingen, opmerking, aantekeningen, anotações, observações, observação, comentários, obs, poznámka, \
         poznámky, megjegyzés, megjegyzések, jegyzet, jegyzetek, not, notlar, açıklama, anteckningar, anteckning, kommentarer, noter, \
         notat, notater, bemærkninger, merknader, muistiinpanot, huomautukset, lisätiedot, observații, comentarii, σημειώσεις, \
         σημείωση, παρατηρήσεις, σχόλια, napomena, бележки, забележка, 备注, 備註, 附注, 附註, 메모, 비고",
    ),
    (
        Word::Member(Member::Labels),
        "marcadores, štítky, címkék, etiketler, etiketter, tunnisteet, etichete, ετικέτες, 标签, 標籤, 라벨",
    ),
    (
        Word::Member(Member::Categories),
        "categorieën, groepen, groep, categorias, skupina, skupiny, kategória, kategóriák, kategórie, csoport, csoportok, kategori, \
         kategoriler, grup, gruplar, kategorier, grupp, grupper, ryhmä, ryhmät, luokat, categorii, grupuri, κατηγορίες, κατηγορία, \
         ομάδες, ομάδα, 分组, 群組, 类别, 類別, 그룹, 분류, 범주, 범주 항목",
    ),
    (
        Word::Kind(Url),
        "webpagina, webside, web-sivu, página da web, webová stránka, webové stránky, webstránka, weblap, weboldal, honlap, web sitesi, \
         web sayfası, webbplats, webbsida, hemsida, hjemmeside, nettside, nettsted, websted, kotisivu, verkkosivu, verkkosivusto, \
         pagină web, ιστοσελίδα, ιστότοπος, 网站, 網站, 网址, 網址, 网页, 網頁, 主页, 웹사이트, 홈페이지, 웹 페이지",
    ),
    (
        Entry(Date, "anniversary"),
        "trouwdag, huwelijksdag, data de casamento, bodas, výročí, výročie, évforduló, yıl dönümü, bröllopsdag, årsdag, bryllupsdag, \
         hääpäivä, vuosipäivä, επέτειος, 纪念日, 紀念日, 기념일",
    ),
    (
        Entry(Relation, "spouse"),
        "echtgenoot, echtgenote, cônjuge, manžel, manželka, házastárs, maka, ægtefælle, ektefelle, puoliso, soț, soție, σύζυγος, \
         배우자",
    ),
    (
        Entry(Relation, "child"),
        "kinderen, filhos, děti, deti, gyermekek, børn, lapset, copii, παιδιά, 子女, 자녀",
    ),
    (Entry(Kind::Online, "wechat"), "微信, 微信号, wechat, wechat id"),
    (
        Word::Member(Member::First),
        "الاسم الأول, שם פרטי, पहला नाम, प्रथम नाम, nama depan, eesnimi, vārds, vardas, імя",
    ),
    (
        Word::Member(Member::Middle),
        "الاسم الأوسط, שם אמצעי, tên đệm, tên lót, nama tengah, імя па бацьку",
    ),
    (
        Word::Member(Member::Last),
        "اسم العائلة, الاسم الأخير, نام خانوادگی, שם משפחה, họ, นามสกุล, उपनाम, कुलनाम, अंतिम नाम, nama belakang, nama keluarga, \
         priimek, презиме, perekonnanimi, uzvārds, pavardė, прозвішча",
    ),
    (
        Word::Member(Member::Nickname),
        "الاسم المستعار, نام مستعار, כינוי, biệt danh, ชื่อเล่น, nama panggilan, vzdevek, надимак, hüüdnimi",
    ),
    (
        Word::Member(Member::Full),
        "الاسم, الاسم الكامل, الاسم بالكامل, اسم جهة الاتصال, جهة الاتصال, نام, نام کامل, نام و نام خانوادگی, שם, שם מלא, איש קשר, \
         שם איש קשר, tên, họ tên, họ và tên, tên đầy đủ, tên liên hệ, tên hiển thị, ชื่อ, ชื่อนามสกุล, ชื่อเต็ม, ชื่อผู้ติดต่อ, नाम, \
         पूरा नाम, nama, nama lengkap, nama kontak, ime in priimek, име и презиме",
    ),
    (
        Word::Member(Member::Organization),
        "الشركة, اسم الشركة, المؤسسة, المنظمة, جهة العمل, شرکت, نام شرکت, سازمان, חברה, שם חברה, שם החברה, ארגון, מקום עבודה, \
         công ty, tên công ty, tổ chức, บริษัท, องค์กร, หน่วยงาน, कंपनी, कंपनी का नाम, संगठन, perusahaan, nama perusahaan, instansi, \
         organisasi, podjetje, предузеће, ettevõte, uzņēmums, įmonė, кампанія, арганізацыя",
    ),
    (
        Word::Member(Member::Department),
        "القسم, מחלקה, phòng ban, bộ phận, แผนก, departemen, oddelek, osakond",
    ),
    (
        Word::Member(Member::JobTitle),
        "المسمى الوظيفي, الوظيفة, المنصب, سمت, عنوان شغلی, תפקיד, chức vụ, chức danh, ตำแหน่ง, पद, jabatan, amet, amats, pareigos, \
         пасада",
    ),
    (Word::Member(Member::Occupation), "المهنة, شغل, nghề nghiệp, อาชีพ, पेशा, pekerjaan, poklic"),
    (
        Word::Member(Member::Birthday),
        "تاريخ الميلاد, عيد الميلاد, تاریخ تولد, תאריך לידה, יום הולדת, ngày sinh, sinh nhật, วันเกิด, जन्मदिन, जन्म तिथि, \
         tanggal lahir, ulang tahun, tarikh lahir, rojstni datum, rojstni dan, датум рођења, рођендан, sünnipäev, sünniaeg, \
         dzimšanas datums, dzimšanas diena, gimimo data, gimtadienis, дзень нараджэння",
    ),
    (
        Word::Member(Member::Notes),
        "ملاحظات, الملاحظات, ملاحظة, یادداشت, یادداشت ها, توضیحات, הערות, הערה, ghi chú, หมายเหตุ, टिप्पणी, टिप्पणियाँ, catatan, \
         keterangan, opombe, напомена, märkused, piezīmes, pastabos, нататкі",
    ),
    (
        Word::Member(Member::Categories),
        "الفئات, الفئة, المجموعات, المجموعة, گروه, گروه ها, קטגוריות, קטגוריה, קבוצות, קבוצה, nhóm, danh mục, กลุ่ม, समूह, श्रेणी, \
         kelompok, kategorije, rühm, grupės",
    ),
    (Word::Member(Member::Labels), "التصنيفات, תוויות, nhãn, ป้ายกำกับ, oznake"),
    (
        Word::Kind(Url),
        "الموقع الإلكتروني, موقع الويب, وب سایت, אתר אינטרנט, אתר, trang web, เว็บไซต์, वेबसाइट, situs web, spletna stran, koduleht, \
         svetainė",
    ),
    (Entry(Phone, "mobile"), "hp, no hp, nomor hp"),
];

/// The words that other headers are made of.
pub(super) const WORDS: &[(Word, &str)] = &[
    (
        Word::Kind(Email),
        "e-mailadres, mailadres, correio eletrónico, correio eletrônico, e-mailová, e-posta, e-post, sähköposti, s-posti, \
         ηλεκτρονικό ταχυδρομείο, ηλεκτρονικού ταχυδρομείου, e-pošta, 邮箱, 电子邮箱, 电子邮件, 邮件, 電子郵件, 電郵, 电邮, 電子信箱, \
         이메일, 전자 메일, 전자우편, 메일",
    ),
    (
        Word::Kind(Phone),
        "telefoon, telefoonnummer, telefone, telefones, fone, telefonní, telefónne, telefonszám, telefonu, tlf, puhelin, puh, \
         τηλέφωνο, τηλέφωνα, τηλεφώνου, τηλ, 电话, 联系电话, 聯絡電話, 固话, 座机, 座機, 固定电话, 전화, 연락처",
    ),
    (
        Entry(Phone, "mobile"),
        "mobiel, mobiele, telemóvel, mobilní, mobilný, mobilszám, cep telefonu, cep telefon, cep tel, matkapuhelin, kännykkä, κινητό, mobitel, мобилен, 手机, 手機, \
         移动电话, 行動電話, 휴대폰, 휴대전화, 핸드폰, 모바일",
    ),
    (Entry(Phone, "fax"), "faksi, φαξ, 传真, 傳真, 팩스"),
    (Entry(Phone, "pager"), "semafoon"),
    (
        Word::Kind(Address),
        "endereço, morada, adresa, cím, lakcím, adresi, adress, osoite, postiosoite, διεύθυνση, 地址, 住址, 通讯地址, 通訊地址, 주소",
    ),
    (
        Word::Part(Part::Street),
        "straat, straatnaam, huisnummer, huisnr, rua, logradouro, ulice, utca, házszám, cadde, sokak, gata, gatuadress, gade, vej, \
         gateadresse, katu, katuosoite, lähiosoite, stradă, οδός, 번지, 街道, 도로명주소",
    ),
    (
        Word::Part(Part::City),
        "woonplaats, plaats, postcode plaats, postcode woonplaats, cidade, localidade, město, obec, psč město, mesto, psč mesto, \
         város, település, irányítószám város, şehir, postort, postnummer ort, postnr ort, stad, postnr by, postnummer by, poststed, \
         postnr poststed, kaupunki, postitoimipaikka, paikkakunta, kunta, oraș, localitate, πόλη, град, 城市, 市县, 市縣, 도시, \
         구군시",
    ),
    (
        Word::Part(Part::Region),
        "provincie, regio, região, distrito, uf, megye, bölge, fylke, lääni, maakunta, alue, județ, νομός, 省, 省份, 省市自治区, 시도",
    ),
    (
        Word::Part(Part::PostalCode),
        "cep, psč, irányítószám, irsz, posta kodu, postnummer, postnr, postinumero, cod poștal, τκ, ταχυδρομικός κώδικας, \
         poštanski broj, пощенски код, 邮编, 邮政编码, 郵遞區號, 郵政編碼, 우편번호",
    ),
    (
        Word::Part(Part::Country),
        "land regio, land område, země, země oblast, krajina, krajina oblasť, țară regiune, država regija, país região, ország, ország régió, ülke, maa, țară, χώρα, χώρα περιοχή, država, държава, 国家, 國家, \
         国家地区, 國家地區, 국가, 나라, 국가지역",
    ),
    (
        Word::Part(Part::PoBox),
        "postbus, caixa postal, postafiók, postboks, postbox, ταχυδρομική θυρίδα",
    ),
    (Word::Part(Part::Extended), "complemento"),
    (
        Word::Part(Part::Label),
        "rótulo, popisek, štítek, címke, etiket, etikett, tunniste, selite, etichetă, ετικέτα, 标签, 標籤, 类型, 라벨",
    ),
    (
        Word::Part(Part::Value),
        "waarde, hodnota, érték, değer, värde, værdi, verdi, arvo, valoare, τιμή, 值, 값",
    ),
    (
        Place("home"),
        "thuis, huis, residencial, domů, domácí, bydliště, domov, otthoni, lakás, ev, hem, hemma, bostad, hjem, hjemme, koti, acasă, οικία, \
         οικίας, σπίτι, σπιτιού, 家庭, 住宅, 家, 집, 자택",
    ),
    (
        Place("work"),
        "werk, zakelijk, zakelijke, comercial, trabalho, práce, zaměstnání, pracovní, firemní, pracovný, munkahely, munkahelyi, hivatali, \
         céges, iş, arbete, arbets, jobb, arbejde, arbejds, arbeid, arbeids, kontor, työ, toimisto, serviciu, εργασία, εργασίας, \
         γραφείο, γραφείου, 商务, 商務, 工作, 办公, 办公室, 辦公室, 公司, 单位, 직장, 근무처, 회사, 사무실",
    ),
    (
        Place("other"),
        "overig, overige, outro, outra, jiný, jiné, další, iný, iné, egyéb, diğer, annan, annat, övrig, øvrig, anden, andet, annen, \
         annet, muu, alt, άλλο, 其他, 其它, 기타",
    ),
    (Second, "tweede, segundo, druhý, druhé, második, ikinci"),
    (
        Filler,
        "op, en, da, fixo, vaste, vast, číslo, číslo, a, és, ve, numarası, numara, och, og, ja, nro, și, număr, fix, και, αριθμός, \
         на, 号码, 號碼, 号, 번호",
    ),
    (
        Word::Kind(Email),
        "البريد الإلكتروني, بريد إلكتروني, عنوان البريد الإلكتروني, الإيميل, إيميل, ایمیل, آدرس ایمیل, پست الکترونیک, \
         پست الکترونیکی, דואר אלקטרוני, דוא ל, אימייל, מייל, כתובת דואר אלקטרוני, כתובת דוא ל, כתובת אימייל, כתובת מייל, \
         thư điện tử, địa chỉ email, địa chỉ thư điện tử, อีเมล, อีเมล์, ที่อยู่อีเมล, ईमेल, ईमेल पता, surel, alamat email, alamat surel, \
         e-naslov, имејл, e-pasts, e-pasta adrese, el paštas, el pašto adresas, электронная пошта",
    ),
    (
        Word::Kind(Phone),
        "الهاتف, هاتف, رقم الهاتف, رقم هاتف, تلفون, التلفون, تليفون, تلفن, شماره تلفن, تلفن ثابت, טלפון, מספר טלפון, điện thoại, \
         số điện thoại, sđt, โทรศัพท์, เบอร์โทรศัพท์, เบอร์โทร, หมายเลขโทรศัพท์, फ़ोन, दूरभाष, टेलीफ़ोन, telepon, nomor telepon, telp, \
         no telp, no telepon, telefonska številka, telefoninumber, tālrunis, tālruņa numurs, telefonas, telefono numeris, тэлефон",
    ),
    (
        Entry(Phone, "mobile"),
        "الجوال, جوال, رقم الجوال, المحمول, الهاتف المحمول, رقم المحمول, الموبايل, موبايل, رقم الموبايل, الهاتف الجوال, النقال, \
         الهاتف النقال, موبایل, شماره موبایل, همراه, تلفن همراه, شماره همراه, נייד, טלפון נייד, מספר נייד, סלולרי, טלפון סלולרי, \
         di động, điện thoại di động, số di động, มือถือ, โทรศัพท์มือถือ, เบอร์มือถือ, मोबाइल, मोबाइल फ़ोन, ponsel, nomor ponsel, seluler, \
         mobilni telefon, мобилни телефон, mobiiltelefon, mobilais tālrunis, mobilusis telefonas, мабільны, мабільны тэлефон",
    ),
    (Entry(Phone, "fax"), "الفاكس, فاكس, فکس, نمابر, פקס, โทรสาร, แฟกซ์, फ़ैक्स, faksas, fakss"),
    (
        Word::Kind(Address),
        "العنوان, عنوان, آدرس, نشانی, כתובת, địa chỉ, ที่อยู่, पता, alamat, naslov, aadress, adrese, adresas, адрас",
    ),
    (
        Word::Part(Part::Street),
        "الشارع, شارع, خیابان, רחוב, tên đường, ถนน, गली, jalan, улица, tänav, iela, gatvė, вуліца",
    ),
    (
        Word::Part(Part::City),
        "المدينة, مدينة, شهر, עיר, יישוב, thành phố, เมือง, शहर, kota, linn, pilsēta, miestas, горад",
    ),
    (
        Word::Part(Part::Region),
        "المحافظة, الولاية, استان, מחוז, tỉnh, tỉnh thành, จังหวัด, राज्य, provinsi, maakond",
    ),
    (
        Word::Part(Part::PostalCode),
        "الرمز البريدي, کد پستی, מיקוד, mã bưu điện, mã bưu chính, รหัสไปรษณีย์, पिन कोड, kode pos, poštna številka, поштански број, \
         postiindeks, pasta indekss, pašto kodas, паштовы індэкс",
    ),
    (
        Word::Part(Part::Country),
        "الدولة, البلد, کشور, ארץ, מדינה, quốc gia, ประเทศ, देश, negara, riik, valsts, šalis, краіна",
    ),
    (
        Place("home"),
        "المنزل, منزل, خانه, בית, בבית, nhà, nhà riêng, บ้าน, घर, rumah, doma, кућа, kodu, mājas, namų, хатні",
    ),
    (
        Place("work"),
        "العمل, المكتب, محل کار, עבודה, בעבודה, משרד, cơ quan, nơi làm việc, ที่ทำงาน, कार्यालय, कार्य, kantor, kerja, služba, посао, töö, \
         darbs, darba, darbo, працоўны",
    ),
    (Place("other"), "أخرى, آخر, سایر, אחר, khác, อื่นๆ, अन्य, lainnya, drugo, muu, cits, kita, іншы"),
    (Filler, "رقم, شماره, מספר, หมายเลข, नंबर, nomor, številka"),
];
