// ez-vcard, which DAVx5 reads cards with: every card of a folder is one, has a name, and has no warnings.
// A second argument names a property whose values are what somebody once wrote.
import ezvcard.Ezvcard;
import ezvcard.VCard;
import ezvcard.io.ParseWarning;
import java.io.File;
import java.util.ArrayList;
import java.util.List;

class ReadCards {
    public static void main(String[] arguments) throws Exception {
        var files = new File(arguments[0]).listFiles();
        var wrong = 0;
        for (var file : files) {
            List<List<ParseWarning>> warnings = new ArrayList<>();
            List<VCard> cards = Ezvcard.parse(file).warnings(warnings).all();
            var told = warnings.stream().flatMap(List::stream)
                .filter(it -> arguments.length < 2 || !arguments[1].equals(it.getPropertyName())).toList();
            var named = cards.size() == 1 && cards.get(0).getFormattedName() != null;
            if (!named || !told.isEmpty()) {
                System.err.println(file.getName() + ": " + cards.size() + " cards " + told);
                wrong++;
            }
        }
        System.out.println("ez-vcard: " + files.length + " cards read, " + wrong + " not right");
        System.exit(wrong == 0 ? 0 : 1);
    }
}
