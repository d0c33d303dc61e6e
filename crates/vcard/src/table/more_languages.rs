//! Headers in still more languages: Arabic, Persian, Hebrew, Vietnamese, Thai, Hindi, Indonesian, Slovenian, Serbian,
//! Estonian, Latvian, Lithuanian and Belarusian. As in `languages`, only what means one thing.

use super::kinds::Kind::{Address, Email, Phone, Url};
use super::kinds::Word::{self, Entry, Filler, Place};
use super::kinds::{Member, Part};

/// Whole headers.
pub(super) const NAMES: &[(Word, &str)] = &[
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
