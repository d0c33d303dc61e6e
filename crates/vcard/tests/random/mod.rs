//! Random cards and random edits of them, the same for the same seed.

use vcard::*;

/// A generator of numbers (splitmix64), so that a failing case can be tried again.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
        (!self.chance(3)).then(|| make(self))
    }

    fn text(&mut self) -> String {
        const WORDS: [&str; 24] = [
            "Ann",
            "Müller",
            "山田",
            "O’Neil",
            "a,b",
            "c;d",
            "e\\f",
            "\\n",
            "x:y",
            "\"q\"",
            "Їжак",
            "ＡＢ",
            "-",
            "1",
            "é",
            "e\u{301}",
            "home",
            "Fax",
            "Anniversary",
            "sister",
            "https://x.example/a;b",
            "_$!<Home>!$_",
            "^n",
            "long long long long long long long long long long long long text",
        ];
        let count = 1 + self.below(3);
        (0..count).map(|_| self.of(&WORDS)).collect::<Vec<_>>().join(" ")
    }

    fn label(&mut self) -> Option<String> {
        const LABELS: [&str; 8] =
            ["home", "Work", "mobile", "home fax", "other", "sister", "anniversary", "Boat"];
        self.maybe(|it| if it.chance(2) { it.of(&LABELS).to_owned() } else { it.text() })
    }

    fn date(&mut self) -> PartialDate {
        let dates = ["1984-02-29", "--02-29", "2015-12-31", "--01-01", "0044-03-15", "1603-01-01"];
        PartialDate::parse(self.of(&dates)).unwrap()
    }

    fn list<T>(&mut self, mut make: impl FnMut(&mut Random) -> T) -> Vec<T> {
        let count = if self.chance(2) { 0 } else { 1 + self.below(4) };
        (0..count).map(|_| make(self)).collect()
    }

    fn entry(&mut self, phone: bool) -> Entry {
        let phones = ["+1 555 0100", "112", "odd, number", "+49 30 1 x5", "555,,1"];
        let emails = ["a@b.example", "A@B.example", "n/a", "o'neil@x.example", "a,b@x"];
        let value = self.of(if phone { &phones } else { &emails }).to_owned();
        Entry { value, label: self.label(), primary: self.chance(3) }
    }

    fn address(&mut self) -> Address {
        Address {
            label: self.label(),
            primary: self.chance(3),
            po_box: self.maybe(Random::text),
            extended: None,
            street: self.maybe(|it| it.text() + "\n2nd line"),
            city: self.maybe(Random::text),
            region: None,
            postal_code: self.maybe(Random::text),
            country: self.maybe(Random::text),
        }
    }

    fn labelled(&mut self) -> Labelled {
        Labelled { value: self.text(), label: self.label() }
    }

    fn online(&mut self) -> Online {
        const SERVICES: [&str; 6] =
            ["matrix", "Skype", "xmpp", "own service", "GoogleTalk", "a:b;c,d"];
        let service = self.maybe(|it| it.of(&SERVICES).to_owned());
        Online { service, value: self.text(), label: self.label() }
    }

    pub fn details(&mut self) -> Details {
        Details {
            display_name: String::new(),
            prefix: self.maybe(Random::text),
            first_name: self.maybe(Random::text),
            middle_name: self.maybe(Random::text),
            last_name: self.maybe(Random::text),
            suffix: self.maybe(Random::text),
            nickname: self.maybe(Random::text),
            organization: self.maybe(Random::text),
            department: self.maybe(Random::text),
            job_title: self.maybe(Random::text),
            emails: self.list(|it| it.entry(false)),
            phones: self.list(|it| it.entry(true)),
            addresses: self.list(Random::address),
            urls: self.list(Random::labelled),
            birthday: self.maybe(Random::date),
            dates: self.list(|it| DateEntry { value: it.date(), label: it.label() }),
            relations: self.list(Random::labelled),
            online: self.list(Random::online),
            additional_data: self.maybe(|it| it.text() + "\nline " + &it.text()),
            labels: self.list(Random::text),
        }
    }

    /// A change of one or two members.
    pub fn edit(&mut self, details: &mut Details) {
        let other = self.details();
        for _ in 0..1 + self.below(2) {
            let other = other.clone();
            match self.below(17) {
                0 => details.first_name = other.first_name,
                1 => details.last_name = other.last_name,
                2 => details.prefix = other.prefix,
                3 => details.nickname = other.nickname,
                4 => details.organization = other.organization,
                5 => details.department = other.department,
                6 => details.job_title = other.job_title,
                7 => details.emails.extend(other.emails),
                8 => details.phones = other.phones,
                9 => details.phones.reverse(),
                10 => details.addresses.extend(other.addresses),
                11 => details.urls.extend(other.urls),
                12 => details.birthday = other.birthday,
                13 => details.dates.extend(other.dates),
                14 => details.online.extend(other.online),
                15 => details.additional_data = other.additional_data,
                _ => details.labels = other.labels,
            }
            if self.chance(4) && !details.emails.is_empty() {
                let at = self.below(details.emails.len());
                details.emails.remove(at);
            }
            if self.chance(4) && !details.relations.is_empty() {
                details.relations[0].label = self.label();
            }
        }
    }

    /// A line as some program writes it, good or bad.
    fn line(&mut self) -> String {
        const LINES: [&str; 56] = [
            "FN:Ann Lee",
            "N:Lee;Ann;;;",
            "N:Müller",
            "FN:",
            "ORG:Acme;Lab;Unit",
            "NICKNAME:Jo,Joe",
            "TITLE:CEO",
            "TEL;TYPE=CELL:+1 555 0100",
            "TEL;HOME;VOICE:112",
            "TEL;TYPE=\"voice,work\";PREF=1:5",
            "item1.TEL:7",
            "item1.X-ABLabel:boat",
            "item1.X-ABLabel:_$!<Home>!$_",
            "item1.EMAIL;TYPE=pref:a@b.example",
            "EMAIL:",
            "item2.ADR;TYPE=HOME:;;Street 1;Town;;123;UA",
            "item2.X-ABADR:ua",
            "ADR;LABEL=\"a^nb\":;;x;;;;",
            "URL:https\\://x.example",
            "item3.URL;TYPE=WORK:https://y.example",
            "item3.X-ABLabel:_$!<HomePage>!$_",
            "BDAY:1990-04-12",
            "BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29",
            "BDAY:circa 1800",
            "BDAY:--0412",
            "item4.X-ABDATE:2015-05-16",
            "item4.X-ABLabel:_$!<Anniversary>!$_",
            "X-ANNIVERSARY:2001-02-03",
            "ANNIVERSARY:20010203",
            "RELATED;TYPE=friend;VALUE=text:Max",
            "X-SPOUSE:Eve",
            "item5.X-ABRELATEDNAMES:Bob",
            "item5.X-ABLabel:_$!<Brother>!$_",
            "IMPP;X-SERVICE-TYPE=Skype:skype:jo",
            "IMPP:xmpp:a@b",
            "X-JABBER:jo@x",
            "X-SOCIALPROFILE;TYPE=twitter;X-USER=jo:https://t.example/jo",
            "NOTE:a\\nb\\, c",
            "NOTE:second",
            "CATEGORIES:a,b\\,c",
            "CATEGORIES;X=1:A,d",
            "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AA=",
            "PHOTO:data:image/jpeg;base64,/9j/4AA=",
            "X-KEPT;P=\"1;2\":odd\\value",
            "X-KEPT-2:a\tb",
            "no colon",
            ":empty",
            "TEL;X;=;Y=:1",
            "NOTE;ENCODING=QUOTED-PRINTABLE:a=0Ab=",
            "=3Bc",
            " folded",
            "AGENT:",
            "UID:u1",
            "UID:u2",
            "REV:20200101",
            "X-\u{1}:a\u{0}b",
        ];
        let mut line = self.of(&LINES).to_owned();
        if self.chance(12) {
            // Some damage.
            let at = self.below(line.len());
            if line.is_char_boundary(at) {
                line.insert_str(
                    at,
                    self.of(&["\"", ";", ":", "\\", "=", "\r", "\u{200b}", ",", " ", "\u{fffe}"]),
                );
            }
        }
        line
    }

    /// A file of one card, of any version, with any line ends, sometimes damaged.
    pub fn file(&mut self) -> Vec<u8> {
        let end = self.of(&["\r\n", "\r\n", "\n", "\r", "\n\n"]).to_owned();
        let version = self.of(&["2.1", "3.0", "3.0", "3.0", "4.0"]);
        let mut lines = vec!["BEGIN:VCARD".to_owned(), format!("VERSION:{version}")];
        if !self.chance(4) {
            lines.extend(["UID:u1", "FN:Ann Lee", "N:Lee;Ann;;;"].map(str::to_owned));
        }
        let count = self.below(14);
        lines.extend((0..count).map(|_| self.line()));
        lines.push("END:VCARD".to_owned());
        let mut file = (lines.join(&end) + &end).into_bytes();
        if self.chance(8) {
            let at = self.below(file.len());
            file[at] = u8::try_from(self.below(256)).unwrap();
        }
        file
    }
}
