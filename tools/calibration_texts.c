#include "tools/calibration_texts.h"

static const char *const texts[] = {
    "",
    "a",
    "Yes.",
    "ok",
    "hello",
    "water",
    "blue",
    "Tuesday",
    "mortgage",
    "photosynthesis",
    "Why?",
    "Thank you!",
    "Not now.",
    "running late",
    "Berlin",
    "seven",
    "the",
    "invoice overdue",
    "red apple",
    "jazz trio",
    "chest pain",
    "return policy",
    "order status?",
    "No idea, sorry.",
    "wifi password",
    "cheap flights to Lisbon",
    "best hiking boots",
    "how to boil an egg",
    "symptoms of flu",
    "capital of Peru",
    "weather tomorrow",
    "reset my router",
    "What time is it?",
    "Who wrote this?",
    "Where does the river end?",
    "How many legs does a spider have?",
    "Can I pay in two instalments?",
    "Which of these trains stops at the airport?",
    "What is the difference between a virus and a bacterium?",
    "How do I remove a coffee stain from a wool carpet?",
    "Is it safe to eat mussels that did not open while cooking?",
    "Why does bread go stale faster in the refrigerator?",
    "What happens to my pension if I move abroad before I retire?",
    "How long should a beginner rest between two sets of squats?",
    "When did people first use wheels, and what for?",
    "Could you recommend a quiet hotel near the old harbour?",
    "Does this phone work with two cards at once?",
    "What were the main causes of the drought last summer?",
    "Who is responsible for clearing snow from the pavement in front of a shop?",
    "How can I find out which process is using all of my memory?",
    "What does it mean when the engine light blinks only while driving uphill?",
    "The cat slept on the warm bonnet of the car.",
    "Our neighbour plays the cello every evening at nine.",
    "She closed the window because the street was too loud.",
    "Two children were building a dam of stones across the brook.",
    "He forgot his umbrella on the bus, again.",
    "The soup needs a little more salt and a lot more time.",
    "My grandmother kept her letters in a biscuit tin under the stairs.",
    "Nobody in the office knew how to work the new coffee machine.",
    "The museum is closed on Mondays, but the garden stays open.",
    "After the storm the whole village smelled of wet hay.",
    "I would rather walk for an hour than wait for another bus.",
    "They painted the kitchen yellow and regretted it within a week.",
    "The dog refuses to go out when it rains.",
    "Please leave the parcel with the people on the second floor.",
    "We met at a conference, argued for two days and have been friends since.",
    "A thin layer of ice had formed on the pond overnight.",
    "The train to the coast leaves from platform four at half past six.",
    "Half of the tickets were sold before the band had even been announced.",
    "Her first novel was turned down by eleven publishers.",
    "If you turn the key twice, the upper bolt closes too.",
    "The committee will publish its findings before the end of the quarter.",
    "Shares of the shipping company fell nine percent after the profit warning.",
    "The city council voted to turn the disused railway into a cycle path.",
    "Three people were slightly injured when a crane tipped over near the station.",
    "The central bank left interest rates unchanged, as most analysts had expected.",
    "Farmers in the valley fear that the frost has destroyed the apple blossom.",
    "The minister resigned after reports about undeclared consultancy fees.",
    "A court ruled that the airline must compensate passengers stranded in March.",
    "Fishing quotas for cod will be cut by a fifth next year.",
    "The home team lost the final on penalties in front of forty thousand people.",
    "Voters in the north favour the bridge, voters in the islands do not.",
    "Unemployment rose slightly in autumn, mainly among young people without a degree.",
    "Engineers restored power to most districts within six hours of the failure.",
    "The strike at the port entered its third week without any sign of agreement.",
    "The film is far too long, but the last twenty minutes are worth the wait.",
    "I laughed once, checked my watch four times and left before the credits.",
    "A tender, patient portrait of two brothers who never learned to talk to each other.",
    "The plot collapses if you think about it for longer than a minute.",
    "Gorgeous pictures, wooden dialogue, and a villain with no reason to be angry.",
    "This may be the funniest script about tax law that anyone has ever written.",
    "The leading actress carries scenes that would sink anybody else.",
    "Battery died after three weeks, and support never answered my mails.",
    "Does exactly what it should, no more and no less. Five stars.",
    "The blender is loud but strong; it crushes ice without complaint.",
    "Arrived scratched, returned it, got the money back the same day.",
    "Sturdy tent, easy to pitch, although the pegs bend if you look at them.",
    "I bought this for my father and he uses it every single day.",
    "The sound is fine for the price, the cable is much too short.",
    "Do not buy the small size unless you are a squirrel.",
    "omg the new season is SO good, I watched all of it in one night",
    "cant believe its friday already lol",
    "someone please tell my cat that 5am is not breakfast time",
    "Just landed!!! Beach tomorrow :)",
    "ugh. monday. coffee. help.",
    "so proud of my little sister, first marathon and she finished in under four hours!",
    "why is every app asking me to rate it before I have even used it",
    "that awkward moment when you wave back at somebody who was waving at the person "
    "behind you",
    "RT if you also think that pineapple belongs on pizza #food #debate",
    "@maria_k thanks for the lift home yesterday, I owe you a drink",
    "Cells use oxygen to release the energy stored in sugar.",
    "A prime number has no divisors other than one and itself.",
    "Granite forms when molten rock cools slowly far below the surface.",
    "Light from the nearest star needs more than four years to reach us.",
    "The liver breaks down alcohol at a nearly constant rate.",
    "Sound travels faster in water than in air because water is harder to compress.",
    "In statistics, the median is less sensitive to outliers than the mean.",
    "Bees tell each other the direction of food by dancing on the comb.",
    "The half-life of the isotope is about eight days.",
    "Vaccination trains the immune system to recognise a pathogen without causing the "
    "disease.",
    "Glaciers move a few centimetres a day, and faster when water collects beneath them.",
    "An enzyme lowers the energy that a reaction needs to start.",
    "Patients who received the drug recovered two days sooner on average.",
    "The samples were heated to 450 degrees for three hours and then quenched in oil.",
    "We show that the bound is tight up to a logarithmic factor.",
    "Earthquakes of magnitude six occur somewhere on the planet almost every week.",
    "A hash table offers constant time look-up as long as collisions stay rare.",
    "The compiler reorders independent loads, so a barrier is needed here.",
    "Mount the volume read-only before you check the file system.",
    "A deadlock occurs when two threads each wait for a lock that the other one holds.",
    "The package depends on a library that is no longer maintained.",
    "Set the time-out to thirty seconds and retry twice with growing delays.",
    "Backups that were never restored are only a rumour.",
    "The firewall drops every incoming connection that is not listed below.",
    "Library for reading and writing compressed archives, development files.",
    "Command line tool that converts tables between several formats.",
    "Small, fast web server written with few dependencies.",
    "Plugin for the music player that shows lyrics while a song is playing.",
    "Python bindings for a numerical solver of sparse linear systems.",
    "error: cannot open file for writing: permission denied",
    "warning: unused variable 'count' in function 'main'",
    "usage: copy [options] source... target",
    "invalid option -- 'z'; try --help for more information",
    "connection reset by peer while reading response header",
    "for (int i = 0; i < n; i++) sum += a[i] * b[i];",
    "def area(r): return 3.14159 * r ** 2",
    "SELECT name, price FROM items WHERE stock > 0 ORDER BY price DESC LIMIT 10;",
    "git commit -m \"fix off-by-one in the parser\"",
    "{\"id\": 17, \"tags\": [\"new\", \"sale\"], \"price\": 12.5}",
    "if err != nil { return fmt.Errorf(\"open %s: %w\", path, err) }",
    "<div class=\"card\"><a href=\"/about\">About us</a></div>",
    "curl -s https://example.org/api/v2/users?limit=5 | jq '.[].name'",
    "#include <stdio.h> int main(void) { puts(\"hi\"); return 0; }",
    "static const uint8_t table[] = {0x00, 0x1f, 0x8b, 0x08, 0xff};",
    "let evens = xs.iter().filter(|x| *x % 2 == 0).collect::<Vec<_>>();",
    "/etc/hosts: 127.0.0.1 localhost",
    "^[a-z0-9_]+@[a-z]+\\.(com|org)$",
    "/* returns NULL when the list is empty; the caller frees the result */",
    "42",
    "3.14159265358979",
    "1, 2, 3, 5, 8, 13, 21, 34",
    "2021-06-30 14:05:59 UTC",
    "+44 20 7946 0018",
    "$1,299.00 incl. VAT",
    "12 x 8 = 96; 96 / 7 = 13.71",
    "Temperature -4.5 °C, wind 23 km/h, humidity 81 %",
    "ISBN 0-00-000000-0",
    "Room 4.117, building C, 3rd floor",
    "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    "...",
    "?!?!",
    ":-(",
    "*** *** ***",
    "100% !!! NOW $$$",
    "WE ARE OPEN ALL DAY SUNDAY",
    "tHiS iS hArD tO rEaD",
    "🙂🙂🙂",
    "🚀 launch day 🎉",
    "naïve café façade résumé",
    "x² + y² = z²",
    "½ cup of sugar, ¾ cup of flour",
    "“Quoted”, said the ‘man’ — and left…",
    "Der Zug nach Hamburg hat heute leider eine halbe Stunde Verspätung.",
    "Wo finde ich die Rechnung für meine letzte Bestellung?",
    "Die Kinder sammeln Kastanien im Park und basteln daraus kleine Tiere.",
    "Le marché a lieu chaque samedi matin sur la place de l'église.",
    "Pourriez-vous me dire où se trouve la pharmacie la plus proche ?",
    "Il a plu toute la nuit et la cave est inondée.",
    "El ayuntamiento cerrará la calle mayor durante las fiestas.",
    "¿Cuánto cuesta enviar un paquete de dos kilos a Canadá?",
    "Mi hermana aprende a tocar el piano desde hace tres años.",
    "Il treno è partito in orario, ma siamo rimasti fermi in galleria.",
    "Vorrei prenotare un tavolo per quattro persone alle otto.",
    "A biblioteca fica aberta até às dez da noite durante os exames.",
    "De winkel op de hoek verkoopt sinds kort ook vers brood.",
    "Vi har inte sett solen på nästan två veckor.",
    "Katten ligger på sofaen og sover hele dagen.",
    "Kirja unohtui junan penkille.",
    "Sklep jest zamknięty w każdą drugą niedzielę miesiąca.",
    "Vlak do Brna odjíždí z třetího nástupiště.",
    "A könyvtár hétfőn zárva tart.",
    "Bu akşam yemekte mercimek çorbası var.",
    "Завтра обещают сильный снег и ветер с моря.",
    "Подскажите, пожалуйста, где находится ближайшая аптека.",
    "Музей працює щодня, крім понеділка.",
    "Το πλοίο φεύγει κάθε πρωί στις επτά.",
    "القطار القادم يصل بعد عشر دقائق.",
    "הספרייה סגורה בימי שישי.",
    "今天晚上可能会下雨，请带伞。",
    "図書館は月曜日が休みです。",
    "이 버스는 시청 앞에서 섭니다.",
    "कल बाज़ार बंद रहेगा।",
    "Quán cà phê này mở cửa lúc sáu giờ sáng.",
    "รถไฟมาช้าสิบนาที",
    "Never trust a carpenter who buys his tables.",
    "Patience is what we call it when there is nothing else we can do.",
    "A bargain is something you cannot use at a price you cannot resist.",
    "It is easier to apologise for a good idea than to get permission for it.",
    "Every family has one story that gets longer with each telling.",
    "\"I never said that,\" he said, and it was the one honest thing he said all day.",
    "Blessed is the man that tilleth his own field, for he shall not lack bread in the "
    "winter.",
    "And the king went up into the hills with three hundred men, and they slept there "
    "beneath the cedars.",
    "Now when the old ferryman had heard this, he laid down his oar and wept.",
    "diplomat, n. A person who thinks twice before saying nothing.",
    "to abandon hope; to leave a ship before it sinks",
    "of or relating to the surface of the moon",
    "(informal) somebody who eats much and quickly",
    "a long narrow boat propelled by a single oar at the stern",
    "the act of persuading somebody by flattery",
    "Knock the dust out of the rug before you bring it in.",
    "He drove the nail in with three blows and hung up the picture.",
    "The lawyers objected that the witness had been led.",
    "She was elected by a narrow majority in the second ballot.",
    "Under the terms of the agreement, either party may withdraw by giving ninety days' "
    "notice in writing, provided that all outstanding fees have been paid.",
    "The tenant shall keep the premises clean, shall not sublet them without the "
    "landlord's written consent, and shall return all keys on the last day of the lease.",
    "Preheat the oven to 180 degrees. Rub the butter into the flour, add the sugar and "
    "one egg, and work it quickly into a smooth dough. Let it rest in a cold place for "
    "half an hour, then roll it out thinly, line the tin and bake it blind for fifteen "
    "minutes. Meanwhile stir the cream with the remaining eggs, a little nutmeg and the "
    "grated cheese.",
    "The old mill had stood empty for as long as anyone could remember. Its wheel was "
    "gone, its roof had fallen in on the northern side, and an ash tree grew where the "
    "miller's kitchen must have been. Children were told not to play there, and "
    "therefore did. On summer evenings one could hear them from the road, giving orders "
    "to invisible armies, until somebody's mother called and the armies went home to "
    "supper. In winter only the foxes came. Then, one October, a woman from the city "
    "bought the ruin together with the meadow and the right to the water, and within a "
    "month there was smoke above the trees again.",
    "To install the program, unpack the archive into an empty folder and run the set-up "
    "script as an ordinary user. The script asks where the data should be kept and how "
    "much memory the cache may use; both answers can be changed later in the "
    "configuration file. If a previous version is found, its settings are imported and "
    "the old files are left alone. Should the set-up fail, look into the log that it "
    "names on its last line. Most failures come from a missing compiler, a full disk or "
    "a proxy that rewrites certificates. Please do not report errors of development "
    "snapshots, and always include the version number and the exact command that you "
    "used.",
    "Background: Sleep disorders are common among shift workers, but few trials have "
    "compared treatments. Methods: We assigned 412 nurses at random to bright light in "
    "the first half of the night shift, to a short scheduled nap, or to no intervention. "
    "Results: After twelve weeks, reaction times at the end of the shift had improved by "
    "31 ms in the first group and by 24 ms in the second, with no change in the third. "
    "Adverse effects were mild and rare. Conclusion: Both measures are cheap and easy to "
    "introduce, and either of them may reduce errors during the last hours of a night "
    "shift.",
    "Dear Ms Hartley, thank you for your letter of 3 May. We are sorry to hear that the "
    "wardrobe was delivered with a cracked door. Our driver noted no damage when it left "
    "the warehouse, so it must have happened on the stairs. A replacement door has been "
    "ordered and should reach you within ten working days; you need not return the "
    "broken one. As an apology we have credited 40 pounds to your account. If anything "
    "else is missing, please call the number below and quote the reference HT-20931. "
    "Yours sincerely, T. Okafor, customer service.",
    "The debate about the new stadium has divided the town for most of the year. Its "
    "supporters promise jobs, tourists and a reason for young families to stay. Its "
    "opponents point to the schools that have waited a decade for new roofs, to the "
    "marsh that would be drained for the car park, and to three other cities whose "
    "stadiums now stand empty on all but ten days a year. Neither side has been helped "
    "by the mayor, who announced the cost twice, with two different figures, and has not "
    "yet explained which one was right. What is missing is not passion but arithmetic: "
    "an honest account of what the town would borrow, what it would earn, and who would "
    "pay the difference if the team moved away.",
    "Trade along the river began long before the first written records. Merchants from "
    "the mountains brought salt, obsidian and furs, and carried home dried fish, beads "
    "and woven cloth. By the second century the settlements at the fords had grown into "
    "walled towns with granaries and customs houses, each under its own council. Floods "
    "destroyed several of them, and a change in the course of the river left others "
    "stranded among reeds. When a road was cut through the eastern hills, the boats lost "
    "the most valuable part of their cargo, and within two generations the former "
    "capital had fewer inhabitants than its own cemetery.",
    "Welcome back to the show! Today we're talking about houseplants, and why yours keep "
    "dying. It's probably not the light, and it's almost certainly not the pot. It's "
    "you, and your watering can. Most plants that people bring to me have drowned. So "
    "here's rule number one: stick your finger in the soil, up to the second knuckle, "
    "and if it comes out damp, walk away. Rule number two: walk away anyway. Come back "
    "on Thursday. Your fern will forgive you for being late, but it will never, ever "
    "forgive you for being kind. We'll take your calls after the break, and yes, we will "
    "talk about mould.",
    "Any vector space with a finite spanning set has a basis, and all of its bases have "
    "the same number of elements, which we call the dimension. A linear map is "
    "determined by its values on a basis; once bases are chosen for source and target, "
    "it is described by a matrix, and composing maps corresponds to multiplying "
    "matrices. The kernel of a map is a subspace of the source, the image is a subspace "
    "of the target, and their dimensions add up to that of the source. It follows that a "
    "linear map between spaces of equal finite dimension is injective exactly if it is "
    "surjective.",
};

const char *const *em_calibration_texts_all(size_t *ret_n)
{
    *ret_n = EM_COUNT(texts);
    return texts;
}
