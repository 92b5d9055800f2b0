<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
<context>
    <name>DocumentReader</name>
    <message>
        <source>The file cannot be read now (%1). This is its text as it was indexed.</source>
        <translation>Die Datei kann gerade nicht gelesen werden (%1). Dies ist ihr Text, wie er eingelesen wurde.</translation>
    </message>
    <message>
        <source>The file has changed since it was indexed. This is its text as it was then.</source>
        <translation>Die Datei hat sich seit dem Einlesen geändert. Dies ist ihr Text von damals.</translation>
    </message>
    <message>
        <source>This document is no longer in the library.</source>
        <translation>Dieses Dokument ist nicht mehr in der Bibliothek.</translation>
    </message>
</context>
<context>
    <name>DocumentWords</name>
    <message>
        <source>queued</source>
        <translation>wartet</translation>
    </message>
    <message>
        <source>reading</source>
        <translation>wird gelesen</translation>
    </message>
    <message>
        <source>searchable</source>
        <translation>durchsuchbar</translation>
    </message>
    <message>
        <source>caching</source>
        <translation>wird berechnet</translation>
    </message>
    <message>
        <source>ready</source>
        <translation>bereit</translation>
    </message>
    <message>
        <source>warm</source>
        <translation>warm</translation>
    </message>
    <message>
        <source>stale</source>
        <translation>veraltet</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>gescheitert</translation>
    </message>
    <message>
        <source>cached %1 %</source>
        <translation>berechnet %1 %</translation>
    </message>
    <message>
        <source>Waits for its turn.</source>
        <translation>Wartet, bis es an der Reihe ist.</translation>
    </message>
    <message>
        <source>Questions find it; passages without a cache are computed when they are needed.</source>
        <translation>Fragen finden es; Abschnitte ohne Cache werden bei Bedarf berechnet.</translation>
    </message>
    <message>
        <source>The language model reads its passages once.</source>
        <translation>Das Sprachmodell liest seine Abschnitte einmal.</translation>
    </message>
    <message>
        <source>Every passage is cached on disk.</source>
        <translation>Jeder Abschnitt liegt berechnet auf der Platte.</translation>
    </message>
    <message>
        <source>Every passage is cached, and in memory.</source>
        <translation>Jeder Abschnitt ist berechnet und im Speicher.</translation>
    </message>
    <message>
        <source>Its caches belong to another model or prompt.</source>
        <translation>Seine Caches gehören zu einem anderen Modell oder einer anderen Anweisung.</translation>
    </message>
    <message>
        <source>Could not be read.</source>
        <translation>Konnte nicht gelesen werden.</translation>
    </message>
    <message numerus="yes">
        <source>%1 · %n passage(s)</source>
        <translation>
            <numerusform>%1 · %n Abschnitt</numerusform>
            <numerusform>%1 · %n Abschnitte</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%1 of %n passage(s) cached</source>
        <translation>
            <numerusform>%1 von %n Abschnitt berechnet</numerusform>
            <numerusform>%1 von %n Abschnitten berechnet</numerusform>
        </translation>
    </message>
    <message>
        <source>ignored</source>
        <translation>ignoriert</translation>
    </message>
    <message>
        <source>Could not be read, and you said to leave it at that.</source>
        <translation>Konnte nicht gelesen werden, und Sie wollten es dabei lassen.</translation>
    </message>
    <message>
        <source>embedding</source>
        <translation>einbetten</translation>
    </message>
    <message>
        <source>Its text is being read.</source>
        <translation>Sein Text wird gelesen.</translation>
    </message>
    <message>
        <source>Its passages are cut and indexed.</source>
        <translation>Seine Abschnitte werden geschnitten und indiziert.</translation>
    </message>
    <message numerus="yes">
        <source>%n line(s)</source>
        <translation>
            <numerusform>%n Zeile</numerusform>
            <numerusform>%n Zeilen</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n paragraph(s)</source>
        <translation>
            <numerusform>%n Absatz</numerusform>
            <numerusform>%n Absätze</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n page(s)</source>
        <translation>
            <numerusform>%n Seite</numerusform>
            <numerusform>%n Seiten</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n slide(s)</source>
        <translation>
            <numerusform>%n Folie</numerusform>
            <numerusform>%n Folien</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n sheet(s)</source>
        <translation>
            <numerusform>%n Tabellenblatt</numerusform>
            <numerusform>%n Tabellenblätter</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n chapter(s)</source>
        <translation>
            <numerusform>%n Kapitel</numerusform>
            <numerusform>%n Kapitel</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n message(s)</source>
        <translation>
            <numerusform>%n Nachricht</numerusform>
            <numerusform>%n Nachrichten</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n cell(s)</source>
        <translation>
            <numerusform>%n Zelle</numerusform>
            <numerusform>%n Zellen</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n file(s)</source>
        <translation>
            <numerusform>%n Datei</numerusform>
            <numerusform>%n Dateien</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>DropWords</name>
    <message>
        <source>Only files of this computer can be added</source>
        <translation>Nur Dateien dieses Rechners können hinzugefügt werden</translation>
    </message>
    <message>
        <source>Add this text</source>
        <translation>Diesen Text hinzufügen</translation>
    </message>
    <message>
        <source>Use this model</source>
        <translation>Dieses Modell benutzen</translation>
    </message>
    <message numerus="yes">
        <source>Add %n item(s)</source>
        <translation>
            <numerusform>%n Eintrag hinzufügen</numerusform>
            <numerusform>%n Einträge hinzufügen</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source> (%n unsupported)</source>
        <translation>
            <numerusform> (%n nicht lesbar)</numerusform>
            <numerusform> (%n nicht lesbar)</numerusform>
        </translation>
    </message>
    <message>
        <source>Look at these models</source>
        <translation>Diese Modelle ansehen</translation>
    </message>
</context>
<context>
    <name>DroppedText</name>
    <message>
        <source>Note</source>
        <translation>Notiz</translation>
    </message>
    <message>
        <source>There is no text in it.</source>
        <translation>Es ist kein Text darin.</translation>
    </message>
</context>
<context>
    <name>Effect</name>
    <message numerus="yes">
        <source>%n block(s), %1 tokens, must be computed again: about %2 at the rate measured here.</source>
        <translation>
            <numerusform>%n Block mit %1 Token muss neu berechnet werden: etwa %2 beim hier gemessenen Tempo.</numerusform>
            <numerusform>%n Blöcke mit %1 Token müssen neu berechnet werden: etwa %2 beim hier gemessenen Tempo.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n block(s), %1 tokens, must be computed again: estimated %2.</source>
        <translation>
            <numerusform>%n Block mit %1 Token muss neu berechnet werden: geschätzt %2.</numerusform>
            <numerusform>%n Blöcke mit %1 Token müssen neu berechnet werden: geschätzt %2.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n block(s), %1 tokens, must be computed again; how long that takes was not measured yet.</source>
        <translation>
            <numerusform>%n Block mit %1 Token muss neu berechnet werden; wie lange das dauert, wurde noch nicht gemessen.</numerusform>
            <numerusform>%n Blöcke mit %1 Token müssen neu berechnet werden; wie lange das dauert, wurde noch nicht gemessen.</numerusform>
        </translation>
    </message>
    <message>
        <source>The old blocks stay until room is needed, and serve again when you change back.</source>
        <translation>Die alten Blöcke bleiben, bis Platz gebraucht wird, und dienen wieder, wenn man zurückwechselt.</translation>
    </message>
    <message>
        <source>The model is loaded again; what runs is stopped first.</source>
        <translation>Das Modell wird neu geladen; was läuft, wird vorher angehalten.</translation>
    </message>
    <message numerus="yes">
        <source>%n passage(s) are read by the other embedder in the background; until it has read all, the one before finds them.</source>
        <translation>
            <numerusform>%n Abschnitt wird im Hintergrund vom anderen Embedder gelesen; bis er ihn gelesen hat, findet der bisherige ihn.</numerusform>
            <numerusform>%n Abschnitte werden im Hintergrund vom anderen Embedder gelesen; bis er alle gelesen hat, findet der bisherige sie.</numerusform>
        </translation>
    </message>
    <message>
        <source>In force at once; nothing is loaded or computed again.</source>
        <translation>Gilt sofort; nichts wird neu geladen oder berechnet.</translation>
    </message>
</context>
<context>
    <name>LastUse</name>
    <message>
        <source>used, from memory</source>
        <translation>benutzt, aus dem Speicher</translation>
    </message>
    <message>
        <source>used, from disk</source>
        <translation>benutzt, von der Platte</translation>
    </message>
    <message>
        <source>missed</source>
        <translation>gefehlt</translation>
    </message>
    <message>
        <source>computed again</source>
        <translation>neu berechnet</translation>
    </message>
</context>
<context>
    <name>Quantities</name>
    <message>
        <source>%1 s</source>
        <translation>%1 s</translation>
    </message>
    <message>
        <source>%1 ms</source>
        <translation>%1 ms</translation>
    </message>
    <message>
        <source>less than a second</source>
        <translation>weniger als eine Sekunde</translation>
    </message>
    <message>
        <source>%1 min %2 s</source>
        <translation>%1 min %2 s</translation>
    </message>
    <message>
        <source>%1 h %2 min</source>
        <translation>%1 h %2 min</translation>
    </message>
    <message>
        <source>%1 GB/s</source>
        <translation>%1 GB/s</translation>
    </message>
    <message>
        <source>just now</source>
        <translation>gerade eben</translation>
    </message>
    <message numerus="yes">
        <source>%n minute(s) ago</source>
        <translation>
            <numerusform>vor %n Minute</numerusform>
            <numerusform>vor %n Minuten</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n hour(s) ago</source>
        <translation>
            <numerusform>vor %n Stunde</numerusform>
            <numerusform>vor %n Stunden</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n day(s) ago</source>
        <translation>
            <numerusform>vor %n Tag</numerusform>
            <numerusform>vor %n Tagen</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>Surroundings</name>
    <message>
        <source>The library&apos;s folder %1 is not there. Put it back and try again, or close the window and start it again for an empty library.</source>
        <translation>Der Ordner %1 der Bibliothek ist nicht da. Entweder zurücklegen und noch einmal versuchen, oder das Fenster schließen und neu öffnen, dann mit leerer Bibliothek.</translation>
    </message>
    <message>
        <source>The library&apos;s folder %1 is gone: it was deleted, moved, or its disk was taken out. What is done now may not be kept. Put it back, then open the library again.</source>
        <translation>Der Ordner %1 der Bibliothek ist verschwunden: gelöscht, verschoben, oder sein Datenträger wurde entfernt. Was jetzt geschieht, bleibt vielleicht nicht erhalten. Zurücklegen und dann die Bibliothek wieder öffnen.</translation>
    </message>
    <message>
        <source>The model file %1 is gone. Questions are still answered with what was read of it, until the window is closed.</source>
        <translation>Die Modelldatei %1 ist verschwunden. Fragen werden mit dem beantwortet, was von ihr gelesen wurde, bis das Fenster geschlossen wird.</translation>
    </message>
    <message>
        <source>The model file %1 was replaced. The one that was read before is in use until the library is opened again.</source>
        <translation>Die Modelldatei %1 wurde ersetzt. Die vorher gelesene ist in Gebrauch, bis die Bibliothek wieder geöffnet wird.</translation>
    </message>
</context>
<context>
    <name>Timing</name>
    <message>
        <source>Retrieve</source>
        <translation>Suchen</translation>
    </message>
    <message>
        <source>Plan</source>
        <translation>Planen</translation>
    </message>
    <message>
        <source>Read blocks</source>
        <translation>Blöcke lesen</translation>
    </message>
    <message>
        <source>Verify</source>
        <translation>Prüfen</translation>
    </message>
    <message>
        <source>Encode missing</source>
        <translation>Fehlende berechnen</translation>
    </message>
    <message>
        <source>Wait for processor</source>
        <translation>Warten auf Prozessor</translation>
    </message>
    <message>
        <source>Rotate</source>
        <translation>Drehen</translation>
    </message>
    <message>
        <source>Link + question prefill</source>
        <translation>Verbinden + Frage lesen</translation>
    </message>
    <message>
        <source>First token</source>
        <translation>Erstes Token</translation>
    </message>
    <message>
        <source>memory</source>
        <translation>Speicher</translation>
    </message>
    <message>
        <source>disk</source>
        <translation>Platte</translation>
    </message>
    <message>
        <source>memory and disk</source>
        <translation>Speicher und Platte</translation>
    </message>
    <message>
        <source>did not happen</source>
        <translation>fand nicht statt</translation>
    </message>
    <message>
        <source>%1, from %2 after Enter</source>
        <translation>%1, ab %2 nach Eingabe</translation>
    </message>
    <message numerus="yes">
        <source>%n block(s)</source>
        <translation>
            <numerusform>%n Block</numerusform>
            <numerusform>%n Blöcke</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n token(s)</source>
        <translation>
            <numerusform>%n Token</numerusform>
            <numerusform>%n Token</numerusform>
        </translation>
    </message>
    <message>
        <source>%1 tokens/s</source>
        <translation>%1 Token/s</translation>
    </message>
    <message>
        <source>%1 at %2</source>
        <translation>%1 mit %2</translation>
    </message>
    <message>
        <source>from %1</source>
        <translation>aus %1</translation>
    </message>
    <message>
        <source>Without caches: %1, measured; %2 times as long.</source>
        <translation>Ohne Caches: %1, gemessen; %2-mal so lang.</translation>
    </message>
    <message>
        <source>Without caches: %1, estimated at %2 tokens/s; an estimated %3 times as long.</source>
        <translation>Ohne Caches: %1, geschätzt bei %2 Token/s; geschätzt %3-mal so lang.</translation>
    </message>
    <message>
        <source>Copy to the GPU</source>
        <translation>Zur GPU kopieren</translation>
    </message>
    <message>
        <source>First decode step</source>
        <translation>Erster Schritt danach</translation>
    </message>
</context>
<context>
    <name>kvlink::desk::AnswerWorker</name>
    <message>
        <source>The documents in scope were removed. Choose others, or undo.</source>
        <translation>Die gewählten Dokumente wurden entfernt. Andere wählen oder rückgängig machen.</translation>
    </message>
</context>
<context>
    <name>kvlink::desk::ConversationWorker</name>
    <message>
        <source>%1 could not be written: %2.</source>
        <translation>%1 konnte nicht geschrieben werden: %2.</translation>
    </message>
</context>
<context>
    <name>kvlink::desk::Desk</name>
    <message>
        <source>Setting %1.</source>
        <translation>Einstellung %1.</translation>
    </message>
</context>
<context>
    <name>kvlink::desk::Keeper</name>
    <message>
        <source>it cannot be written</source>
        <translation>sie kann nicht geschrieben werden</translation>
    </message>
    <message>
        <source>What the window remembers could not be kept in %1: %2.</source>
        <translation>Was das Fenster sich merkt, konnte nicht in %1 abgelegt werden: %2.</translation>
    </message>
    <message>
        <source>its folder is not there</source>
        <translation>ihr Ordner ist nicht da</translation>
    </message>
</context>
<context>
    <name>kvlink::desk::LibraryWorker</name>
    <message>
        <source>The collections could not be kept in %1: %2.</source>
        <translation>Die Sammlungen konnten nicht in %1 abgelegt werden: %2.</translation>
    </message>
</context>
<context>
    <name>kvlink::desk::ModelWorker</name>
    <message>
        <source>Stopped before it began.</source>
        <translation>Gestoppt, bevor es anfing.</translation>
    </message>
</context>
<context>
    <name>kvlink::desk::SessionOpener</name>
    <message>
        <source>The settings could not be written, and the old ones are in force: %1</source>
        <translation>Die Einstellungen konnten nicht geschrieben werden, die alten gelten weiter: %1</translation>
    </message>
    <message>
        <source>as chosen in the settings</source>
        <translation>wie in den Einstellungen gewählt</translation>
    </message>
    <message>
        <source>Loading the model was stopped. Choose this or another model, or start the window again.</source>
        <translation>Das Laden des Modells wurde gestoppt. Wählen Sie dieses oder ein anderes Modell, oder starten Sie das Fenster neu.</translation>
    </message>
</context>
<context>
    <name>kvlink::desk::SettingsWorker</name>
    <message>
        <source>added</source>
        <translation>hinzugefügt</translation>
    </message>
    <message>
        <source>The setting could not be written, and the old one is in force: %1</source>
        <translation>Die Einstellung konnte nicht geschrieben werden, und die alte gilt weiter: %1</translation>
    </message>
</context>
<context>
    <name>kvlink::desk::Worker</name>
    <message>
        <source>The library is not open yet. Try again in a moment.</source>
        <translation>Die Bibliothek ist noch nicht geöffnet. Gleich noch einmal versuchen.</translation>
    </message>
    <message>
        <source>There is no language model yet. Choose one under Models and settings.</source>
        <translation>Es gibt noch kein Sprachmodell. Eines unter Modelle und Einstellungen wählen.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::AboutBox</name>
    <message>
        <source>Third parties and their licences</source>
        <translation>Fremde Teile und ihre Lizenzen</translation>
    </message>
    <message>
        <source>Part</source>
        <translation>Teil</translation>
    </message>
    <message>
        <source>Licence</source>
        <translation>Lizenz</translation>
    </message>
    <message>
        <source>What it does here</source>
        <translation>Was er hier tut</translation>
    </message>
    <message>
        <source>the window, and talking to the desktop</source>
        <translation>das Fenster und die Verbindung zum Desktop</translation>
    </message>
    <message>
        <source>both databases, full-text search</source>
        <translation>beide Datenbanken, Volltextsuche</translation>
    </message>
    <message>
        <source>C++ face of SQLite</source>
        <translation>C++-Seite von SQLite</translation>
    </message>
    <message>
        <source>search by vectors</source>
        <translation>Suche mit Vektoren</translation>
    </message>
    <message>
        <source>linear algebra that FAISS calls</source>
        <translation>lineare Algebra, die FAISS aufruft</translation>
    </message>
    <message>
        <source>threads of FAISS</source>
        <translation>Threads von FAISS</translation>
    </message>
    <message>
        <source>tokenizers of the Llama 2 kind</source>
        <translation>Tokenizer in der Art von Llama 2</translation>
    </message>
    <message>
        <source>Unicode for the tokenizers</source>
        <translation>Unicode für die Tokenizer</translation>
    </message>
    <message>
        <source>model configurations, exports</source>
        <translation>Konfigurationen der Modelle, Exporte</translation>
    </message>
    <message>
        <source>reads the parts of office documents</source>
        <translation>liest die Teile von Office-Dokumenten</translation>
    </message>
    <message>
        <source>reads HTML</source>
        <translation>liest HTML</translation>
    </message>
    <message>
        <source>opens documents that are encrypted with a password</source>
        <translation>öffnet Dokumente, die mit einem Passwort verschlüsselt sind</translation>
    </message>
    <message>
        <source>recognises the encoding of texts</source>
        <translation>erkennt die Kodierung von Texten</translation>
    </message>
    <message>
        <source>reads PDF files</source>
        <translation>liest PDF-Dateien</translation>
    </message>
    <message>
        <source>checksums of cache files</source>
        <translation>Prüfsummen der Cache-Dateien</translation>
    </message>
    <message>
        <source>the command line of kvlink</source>
        <translation>die Befehlszeile von kvlink</translation>
    </message>
    <message>
        <source>compressed files of questions for measuring</source>
        <translation>gepackte Fragendateien zum Messen</translation>
    </message>
    <message>
        <source>the language&apos;s own library</source>
        <translation>die Bibliothek der Sprache selbst</translation>
    </message>
    <message>
        <source>the default model that answers</source>
        <translation>das mitgelieferte Modell, das antwortet</translation>
    </message>
    <message>
        <source>the default model that finds passages</source>
        <translation>das mitgelieferte Modell, das Abschnitte findet</translation>
    </message>
    <message>
        <source>About KVLink</source>
        <translation>Über KVLink</translation>
    </message>
    <message>
        <source>KVLink Desktop %1</source>
        <translation>KVLink Desktop %1</translation>
    </message>
    <message>
        <source>Answers about your own documents, on this computer only: this program opens no connection to a network.</source>
        <translation>Antworten aus den eigenen Dokumenten, nur auf diesem Rechner: Dieses Programm öffnet keine Verbindung zu einem Netz.</translation>
    </message>
    <message>
        <source>Licensed under the Apache License 2.0.</source>
        <translation>Lizenziert unter der Apache License 2.0.</translation>
    </message>
    <message>
        <source>It is made with the work of others:</source>
        <translation>Darin steckt die Arbeit anderer:</translation>
    </message>
    <message>
        <source>reads text in pictures, where it is installed</source>
        <translation>liest Text in Bildern, wo es installiert ist</translation>
    </message>
    <message>
        <source>decodes pictures for Tesseract</source>
        <translation>entschlüsselt Bilder für Tesseract</translation>
    </message>
    <message>
        <source>keys of OpenDocument files that are encrypted with a password</source>
        <translation>Schlüssel von OpenDocument-Dateien, die mit einem Kennwort verschlüsselt sind</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::AnswerView</name>
    <message>
        <source>Answer</source>
        <translation>Antwort</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::AnswerWords</name>
    <message>
        <source>%1 ms</source>
        <translation>%1 ms</translation>
    </message>
    <message>
        <source>%1 s</source>
        <translation>%1 s</translation>
    </message>
    <message>
        <source>line %1</source>
        <translation>Zeile %1</translation>
    </message>
    <message>
        <source>lines %1–%2</source>
        <translation>Zeilen %1–%2</translation>
    </message>
    <message numerus="yes">
        <source>%n passage(s)</source>
        <translation>
            <numerusform>%n Abschnitt</numerusform>
            <numerusform>%n Abschnitte</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s)</source>
        <translation>
            <numerusform>%n Dokument</numerusform>
            <numerusform>%n Dokumente</numerusform>
        </translation>
    </message>
    <message>
        <source>%1 from %2</source>
        <comment>passages from documents</comment>
        <translation>%1 aus %2</translation>
    </message>
    <message>
        <source>TTFT %1</source>
        <translation>TTFT %1</translation>
    </message>
    <message>
        <source>%1 tok/s</source>
        <translation>%1 Token/s</translation>
    </message>
    <message>
        <source>%1 % of context from cache</source>
        <translation>%1 % des Kontexts aus dem Cache</translation>
    </message>
    <message>
        <source>passages were in the conversation already</source>
        <translation>Abschnitte waren schon im Gespräch</translation>
    </message>
    <message>
        <source>not cached before</source>
        <translation>noch nicht im Cache</translation>
    </message>
    <message>
        <source>cached for another model</source>
        <translation>für ein anderes Modell im Cache</translation>
    </message>
    <message>
        <source>cached behind another prompt or adapter</source>
        <translation>hinter einer anderen Anweisung oder einem anderen Adapter im Cache</translation>
    </message>
    <message>
        <source>evicted</source>
        <translation>entfernt</translation>
    </message>
    <message>
        <source>file gone</source>
        <translation>Datei verschwunden</translation>
    </message>
    <message>
        <source>damaged on disk</source>
        <translation>auf der Platte beschädigt</translation>
    </message>
    <message>
        <source>unknown format</source>
        <translation>unbekanntes Format</translation>
    </message>
    <message>
        <source>other tokens</source>
        <translation>andere Tokens</translation>
    </message>
    <message>
        <source>not readable</source>
        <translation>nicht lesbar</translation>
    </message>
    <message>
        <source>%1 × %2</source>
        <translation>%1 × %2</translation>
    </message>
    <message>
        <source>Computed anew: %1.</source>
        <translation>Neu berechnet: %1.</translation>
    </message>
    <message>
        <source>mode %1</source>
        <translation>Verfahren %1</translation>
    </message>
    <message>
        <source>The answer reached its limit of tokens. Settings can raise it.</source>
        <translation>Die Antwort hat ihre Höchstlänge erreicht. Die Einstellungen können sie erhöhen.</translation>
    </message>
    <message>
        <source>The model&apos;s context is full. Begin a new conversation.</source>
        <translation>Der Kontext des Modells ist voll. Ein neues Gespräch beginnen.</translation>
    </message>
    <message>
        <source>Stopped.</source>
        <translation>Angehalten.</translation>
    </message>
    <message>
        <source>Not found in the selected documents.</source>
        <translation>In den gewählten Dokumenten nicht gefunden.</translation>
    </message>
    <message>
        <source>Sources</source>
        <translation>Quellen</translation>
    </message>
    <message>
        <source>First token %1 times sooner with the cache, both measured.</source>
        <translation>Erstes Token %1-mal so schnell mit Cache, beides gemessen.</translation>
    </message>
    <message>
        <source>The cache made no difference here, both measured.</source>
        <translation>Der Cache machte hier keinen Unterschied, beides gemessen.</translation>
    </message>
    <message>
        <source>The two runs read different passages.</source>
        <translation>Die beiden Läufe lasen verschiedene Abschnitte.</translation>
    </message>
    <message>
        <source>Some passages had no cache yet when the question was asked.</source>
        <translation>Einige Abschnitte hatten noch keinen Cache, als gefragt wurde.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::AppearancePage</name>
    <message>
        <source>As the system</source>
        <translation>Wie das System</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>Hell</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>Dunkel</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>Farben</translation>
    </message>
    <message>
        <source> %</source>
        <translation> %</translation>
    </message>
    <message>
        <source>Size of letters</source>
        <translation>Schriftgröße</translation>
    </message>
    <message>
        <source>Ctrl++ and Ctrl+− change the size of letters anywhere.</source>
        <translation>Strg++ und Strg+− ändern die Schriftgröße überall.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::AskPanel</name>
    <message>
        <source>Conversations</source>
        <translation>Gespräche</translation>
    </message>
    <message>
        <source>New</source>
        <translation>Neu</translation>
    </message>
    <message>
        <source>Begins a new conversation</source>
        <translation>Beginnt ein neues Gespräch</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>Neues Gespräch</translation>
    </message>
    <message>
        <source>The answer begins.</source>
        <translation>Die Antwort beginnt.</translation>
    </message>
    <message>
        <source>The question failed. %1</source>
        <translation>Die Frage ist gescheitert. %1</translation>
    </message>
    <message>
        <source>The answer was copied with its sources.</source>
        <translation>Die Antwort wurde mit ihren Quellen kopiert.</translation>
    </message>
    <message>
        <source>The run without cache is over.</source>
        <translation>Der Lauf ohne Cache ist beendet.</translation>
    </message>
    <message>
        <source>The answer is complete.</source>
        <translation>Die Antwort ist vollständig.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::BannerStack</name>
    <message>
        <source>Open again</source>
        <translation>Wieder öffnen</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>The new embedder has read all passages and finds them.</source>
        <translation>Der neue Embedder hat alle Abschnitte gelesen und findet sie.</translation>
    </message>
    <message>
        <source>The new embedder has read %1 of %2 passages. Until it has read all, the one before finds them.</source>
        <translation>Der neue Embedder hat %1 von %2 Abschnitten gelesen. Bis er alle gelesen hat, findet der bisherige sie.</translation>
    </message>
    <message>
        <source>The new embedder has read %1 of %2 passages. Words find the others.</source>
        <translation>Der neue Embedder hat %1 von %2 Abschnitten gelesen. Die anderen werden an ihren Wörtern gefunden.</translation>
    </message>
    <message>
        <source>Try the GPU again</source>
        <translation>Die GPU noch einmal versuchen</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::BlockActions</name>
    <message>
        <source>Pin</source>
        <translation>Anheften</translation>
    </message>
    <message>
        <source>Pinned blocks are never evicted to make room</source>
        <translation>Angeheftete Blöcke werden nie verdrängt</translation>
    </message>
    <message>
        <source>Evict</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Removes the blocks; they are computed again when a question needs them</source>
        <translation>Entfernt die Blöcke; eine Frage, die sie braucht, berechnet sie neu</translation>
    </message>
    <message>
        <source>Evict stale</source>
        <translation>Veraltete entfernen</translation>
    </message>
    <message>
        <source>Removes every block of another model or another prompt</source>
        <translation>Entfernt jeden Block eines anderen Modells oder einer anderen Anweisung</translation>
    </message>
    <message>
        <source>Verify</source>
        <translation>Prüfen</translation>
    </message>
    <message>
        <source>Reads the blocks and checks every byte</source>
        <translation>Liest die Blöcke und prüft jedes Byte</translation>
    </message>
    <message>
        <source>Rebuild</source>
        <translation>Neu berechnen</translation>
    </message>
    <message>
        <source>Removes the blocks and computes them again</source>
        <translation>Entfernt die Blöcke und berechnet sie neu</translation>
    </message>
    <message>
        <source>Show file</source>
        <translation>Datei zeigen</translation>
    </message>
    <message>
        <source>Shows the block&apos;s file in its folder</source>
        <translation>Zeigt die Datei des Blocks in ihrem Ordner</translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation>Lösen</translation>
    </message>
    <message>
        <source>Verify all</source>
        <translation>Alle prüfen</translation>
    </message>
    <message>
        <source>Evict %1 stale</source>
        <translation>%1 veraltete entfernen</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::BlockTable</name>
    <message>
        <source>(no document)</source>
        <translation>(kein Dokument)</translation>
    </message>
    <message>
        <source>verified</source>
        <translation>geprüft</translation>
    </message>
    <message>
        <source>not read yet</source>
        <translation>noch nicht gelesen</translation>
    </message>
    <message>
        <source>memory</source>
        <translation>Speicher</translation>
    </message>
    <message>
        <source>disk</source>
        <translation>Platte</translation>
    </message>
    <message>
        <source> (stale)</source>
        <translation> (veraltet)</translation>
    </message>
    <message>
        <source>No document has this text now.</source>
        <translation>Kein Dokument enthält diesen Text noch.</translation>
    </message>
    <message>
        <source>Document</source>
        <translation>Dokument</translation>
    </message>
    <message>
        <source>Passage</source>
        <translation>Abschnitt</translation>
    </message>
    <message>
        <source>Tokens</source>
        <translation>Token</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>Größe</translation>
    </message>
    <message>
        <source>Per token</source>
        <translation>Je Token</translation>
    </message>
    <message>
        <source>Type</source>
        <translation>Typ</translation>
    </message>
    <message>
        <source>Tier</source>
        <translation>Ort</translation>
    </message>
    <message>
        <source>Last answer</source>
        <translation>Letzte Antwort</translation>
    </message>
    <message>
        <source>Hits</source>
        <translation>Treffer</translation>
    </message>
    <message>
        <source>Load</source>
        <translation>Laden</translation>
    </message>
    <message>
        <source>Encode</source>
        <translation>Berechnen</translation>
    </message>
    <message>
        <source>Integrity</source>
        <translation>Zustand</translation>
    </message>
    <message>
        <source>Created</source>
        <translation>Angelegt</translation>
    </message>
    <message>
        <source>Last use</source>
        <translation>Letzte Nutzung</translation>
    </message>
    <message>
        <source>Recipe</source>
        <translation>Rezept</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
    <message>
        <source>not known</source>
        <translation>unbekannt</translation>
    </message>
    <message>
        <source>Not used since times of use are recorded.</source>
        <translation>Nicht benutzt, seit die Zeit der Benutzung festgehalten wird.</translation>
    </message>
    <message>
        <source>When a question read the block last, or it was written. Sorted by the order of uses, which a wrong clock does not change.</source>
        <translation>Wann eine Frage den Block zuletzt gelesen hat oder er geschrieben wurde. Sortiert nach der Reihenfolge der Benutzung, die eine falsche Uhr nicht ändert.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::BudgetRow</name>
    <message>
        <source>%1 used</source>
        <translation>%1 belegt</translation>
    </message>
    <message>
        <source>%1 budget</source>
        <translation>%1: Obergrenze</translation>
    </message>
    <message>
        <source>Change the budget</source>
        <translation>Obergrenze ändern</translation>
    </message>
    <message>
        <source>%1: %2 of %3</source>
        <translation>%1: %2 von %3</translation>
    </message>
    <message>
        <source>%1: %2 of %3 → %4</source>
        <translation>%1: %2 von %3 → %4</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::CacheBudgets</name>
    <message>
        <source>Disk</source>
        <translation>Festplatte</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>Speicher</translation>
    </message>
    <message>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
    <message numerus="yes">
        <source>%n block(s)</source>
        <translation>
            <numerusform>%n Block</numerusform>
            <numerusform>%n Blöcke</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n token(s)</source>
        <translation>
            <numerusform>%n Token</numerusform>
            <numerusform>%n Token</numerusform>
        </translation>
    </message>
    <message>
        <source>%1 % of %2 look-ups were served.</source>
        <translation>%1 % von %2 Nachfragen wurden bedient.</translation>
    </message>
    <message numerus="yes">
        <source>%n block(s) on the GPU</source>
        <translation>
            <numerusform>%n Block auf der GPU</numerusform>
            <numerusform>%n Blöcke auf der GPU</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::CachePanel</name>
    <message>
        <source>Set budget</source>
        <translation>Obergrenze setzen</translation>
    </message>
    <message numerus="yes">
        <source>%n block(s) pinned.</source>
        <translation>
            <numerusform>%n Block angeheftet.</numerusform>
            <numerusform>%n Blöcke angeheftet.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n block(s) no longer pinned.</source>
        <translation>
            <numerusform>%n Block nicht mehr angeheftet.</numerusform>
            <numerusform>%n Blöcke nicht mehr angeheftet.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n block(s) removed. Questions that need them compute them again.</source>
        <translation>
            <numerusform>%n Block entfernt. Eine Frage, die ihn braucht, berechnet ihn neu.</numerusform>
            <numerusform>%n Blöcke entfernt. Fragen, die sie brauchen, berechnen sie neu.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n block(s) checked.</source>
        <translation>
            <numerusform>%n Block geprüft.</numerusform>
            <numerusform>%n Blöcke geprüft.</numerusform>
        </translation>
    </message>
    <message>
        <source>All are as they were written.</source>
        <translation>Alle sind, wie sie geschrieben wurden.</translation>
    </message>
    <message numerus="yes">
        <source>%n is/are damaged and set aside.</source>
        <translation>
            <numerusform>%n ist beschädigt und beiseitegelegt.</numerusform>
            <numerusform>%n sind beschädigt und beiseitegelegt.</numerusform>
        </translation>
    </message>
    <message>
        <source>Cancelled.</source>
        <translation>Abgebrochen.</translation>
    </message>
    <message numerus="yes">
        <source>Computing the blocks of %n document(s) again …</source>
        <translation>
            <numerusform>Die Blöcke von %n Dokument werden neu berechnet …</numerusform>
            <numerusform>Die Blöcke von %n Dokumenten werden neu berechnet …</numerusform>
        </translation>
    </message>
    <message>
        <source>Keep at most %1 of blocks on disk? Least useful blocks beyond that are removed.</source>
        <translation>Höchstens %1 an Blöcken auf der Platte behalten? Was darüber liegt, wird entfernt, das am wenigsten Nützliche zuerst.</translation>
    </message>
    <message>
        <source>Keep at most %1 of blocks in memory?</source>
        <translation>Höchstens %1 an Blöcken im Speicher behalten?</translation>
    </message>
    <message>
        <source>Keep at most %1 of blocks in the memory of the GPU?</source>
        <translation>Höchstens %1 an Blöcken im Speicher der GPU behalten?</translation>
    </message>
    <message>
        <source>Blocks are being computed again already. Nothing was removed.</source>
        <translation>Blöcke werden bereits neu berechnet. Es wurde nichts entfernt.</translation>
    </message>
    <message>
        <source>Without a model blocks cannot be computed again. Nothing was removed.</source>
        <translation>Ohne Modell können Blöcke nicht neu berechnet werden. Es wurde nichts entfernt.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::CacheView</name>
    <message>
        <source>Search documents or block numbers</source>
        <translation>Dokumente oder Blocknummern suchen</translation>
    </message>
    <message>
        <source>Search blocks</source>
        <translation>Blöcke suchen</translation>
    </message>
    <message>
        <source>Stale only</source>
        <translation>Nur veraltete</translation>
    </message>
    <message>
        <source>This document only</source>
        <translation>Nur dieses Dokument</translation>
    </message>
    <message>
        <source>Blocks</source>
        <translation>Blöcke</translation>
    </message>
    <message>
        <source>No blocks yet. Add documents: each passage is read once by the model, and what it computed is kept here.</source>
        <translation>Noch keine Blöcke. Dokumente hinzufügen: das Modell liest jeden Abschnitt einmal, und was es berechnet, bleibt hier.</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Fortschritt</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>What is done stays done</source>
        <translation>Was getan ist, bleibt getan</translation>
    </message>
    <message numerus="yes">
        <source>%n block(s) will be removed in %1 s: %2. Then only computing their %3 tokens again brings them back.</source>
        <translation>
            <numerusform>%n Block wird in %1 s entfernt: %2. Danach bringt ihn nur das Berechnen seiner %3 Token zurück.</numerusform>
            <numerusform>%n Blöcke werden in %1 s entfernt: %2. Danach bringt sie nur das Berechnen ihrer %3 Token zurück.</numerusform>
        </translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>Nothing was removed.</source>
        <translation>Nichts wurde entfernt.</translation>
    </message>
    <message>
        <source>No document has the text of these blocks now: there is nothing to compute.</source>
        <translation>Kein Dokument enthält den Text dieser Blöcke noch: es gibt nichts zu berechnen.</translation>
    </message>
    <message>
        <source>%1 of %2 blocks</source>
        <translation>%1 von %2 Blöcken</translation>
    </message>
    <message>
        <source>Leave it</source>
        <translation>So lassen</translation>
    </message>
    <message>
        <source>Pinned blocks stay. Unpin them first.</source>
        <translation>Angeheftete Blöcke bleiben. Erst lösen.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ChatFormatRow</name>
    <message>
        <source>plain text</source>
        <translation>als einfacher Text</translation>
    </message>
    <message>
        <source>as the model&apos;s template says</source>
        <translation>wie die Vorlage des Modells es sagt</translation>
    </message>
    <message>
        <source>Chat format</source>
        <translation>Format der Gespräche</translation>
    </message>
    <message>
        <source>The marks around questions and answers that the model learned</source>
        <translation>Die Zeichen um Fragen und Antworten, die das Modell gelernt hat</translation>
    </message>
    <message>
        <source>Chats are written</source>
        <translation>Gespräche werden geschrieben</translation>
    </message>
    <message>
        <source>as the model&apos;s template says: %1</source>
        <translation>wie die Vorlage des Modells es sagt: %1</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ClockPair</name>
    <message>
        <source>Time to the first token with and without cache</source>
        <translation>Zeit bis zum ersten Token mit und ohne Cache</translation>
    </message>
    <message>
        <source>With cache: %1.</source>
        <translation>Mit Cache: %1.</translation>
    </message>
    <message>
        <source>Without cache: %1.</source>
        <translation>Ohne Cache: %1.</translation>
    </message>
    <message>
        <source>With cache</source>
        <translation>Mit Cache</translation>
    </message>
    <message>
        <source>Without cache</source>
        <translation>Ohne Cache</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>angehalten</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::CommandPalette</name>
    <message>
        <source>What do you want to do?</source>
        <translation>Was soll geschehen?</translation>
    </message>
    <message>
        <source>Search commands</source>
        <translation>Befehle suchen</translation>
    </message>
    <message>
        <source>Commands</source>
        <translation>Befehle</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::Composer</name>
    <message>
        <source>Reads the document from its beginning, as far as it fits, instead of searching it</source>
        <translation>Liest das Dokument von Anfang an, so weit es passt, statt darin zu suchen</translation>
    </message>
    <message>
        <source>all documents</source>
        <translation>alle Dokumente</translation>
    </message>
    <message>
        <source>Asking: %1</source>
        <comment>the scope, as in: 3 of 12 documents</comment>
        <translation>Gefragt wird: %1</translation>
    </message>
    <message>
        <source>Whole document</source>
        <translation>Ganzes Dokument</translation>
    </message>
    <message>
        <source>Whole document: %1</source>
        <translation>Ganzes Dokument: %1</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>Senden</translation>
    </message>
    <message>
        <source>Ends the answer (Esc)</source>
        <translation>Beendet die Antwort (Esc)</translation>
    </message>
    <message>
        <source>Asks the question (Enter)</source>
        <translation>Stellt die Frage (Eingabe)</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ConversationList</name>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>Umbenennen</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>Exportieren</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>Zurück</translation>
    </message>
    <message>
        <source>Search questions and answers…</source>
        <translation>Fragen und Antworten suchen…</translation>
    </message>
    <message>
        <source>Search conversations</source>
        <translation>Gespräche suchen</translation>
    </message>
    <message>
        <source>Conversations</source>
        <translation>Gespräche</translation>
    </message>
    <message>
        <source>As Markdown…</source>
        <translation>Als Markdown…</translation>
    </message>
    <message>
        <source>As JSON…</source>
        <translation>Als JSON…</translation>
    </message>
    <message>
        <source>Exported to %1.</source>
        <translation>Nach %1 exportiert.</translation>
    </message>
    <message>
        <source>%1
last used %2</source>
        <translation>%1
zuletzt benutzt %2</translation>
    </message>
    <message>
        <source>No conversation is kept yet.</source>
        <translation>Noch kein Gespräch ist aufgehoben.</translation>
    </message>
    <message>
        <source>No conversation contains this.</source>
        <translation>Kein Gespräch enthält das.</translation>
    </message>
    <message>
        <source>“%1” was deleted.</source>
        <translation>„%1“ wurde gelöscht.</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>Export conversation</source>
        <translation>Gespräch exportieren</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ConversationView</name>
    <message>
        <source>Conversation</source>
        <translation>Gespräch</translation>
    </message>
    <message>
        <source>Ask a question about your documents.
The passages it is answered from appear first, and every step is timed.</source>
        <translation>Eine Frage zu den eigenen Dokumenten stellen.
Zuerst erscheinen die Abschnitte, aus denen geantwortet wird; jeder Schritt wird gemessen.</translation>
    </message>
    <message>
        <source>Jump to the end</source>
        <translation>Zum Ende</translation>
    </message>
    <message numerus="yes">
        <source>Show %n earlier question(s)</source>
        <translation>
            <numerusform>%n frühere Frage zeigen</numerusform>
            <numerusform>%n frühere Fragen zeigen</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::DeviceRow</name>
    <message>
        <source>Device</source>
        <translation>Gerät</translation>
    </message>
    <message>
        <source>What reads passages and answers questions</source>
        <translation>Was Abschnitte liest und Fragen beantwortet</translation>
    </message>
    <message>
        <source>Automatic: a GPU where one can be used</source>
        <translation>Automatisch: eine GPU, wo eine benutzbar ist</translation>
    </message>
    <message>
        <source>Processor</source>
        <translation>Prozessor</translation>
    </message>
    <message>
        <source>Processor: %1</source>
        <translation>Prozessor: %1</translation>
    </message>
    <message>
        <source>Not usable: %1.</source>
        <translation>Nicht benutzbar: %1.</translation>
    </message>
    <message>
        <source>No GPU can be used: %1.</source>
        <translation>Keine GPU ist benutzbar: %1.</translation>
    </message>
    <message>
        <source>%1 (not there)</source>
        <translation>%1 (nicht vorhanden)</translation>
    </message>
    <message>
        <source>Now: %1.</source>
        <translation>Zurzeit: %1.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::DocumentStrip</name>
    <message>
        <source>Select a block to see the passages of its document.</source>
        <translation>Einen Block wählen, um die Abschnitte seines Dokuments zu sehen.</translation>
    </message>
    <message numerus="yes">
        <source>%1: %2 of %n passage(s) have a block.</source>
        <translation>
            <numerusform>%1: %2 von %n Abschnitt hat einen Block.</numerusform>
            <numerusform>%1: %2 von %n Abschnitten haben einen Block.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::FollowedFolders</name>
    <message numerus="yes">
        <source>%n folder(s) are beyond the system&apos;s limit of what can be watched (fs.inotify.max_user_watches): they are looked at once a minute.</source>
        <translation>
            <numerusform>%n Ordner liegt jenseits dessen, was das System beobachten lässt (fs.inotify.max_user_watches): er wird einmal in der Minute durchgesehen.</numerusform>
            <numerusform>%n Ordner liegen jenseits dessen, was das System beobachten lässt (fs.inotify.max_user_watches): sie werden einmal in der Minute durchgesehen.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::GuidePage</name>
    <message>
        <source>No page contains this.</source>
        <translation>Keine Seite enthält das.</translation>
    </message>
    <message>
        <source>Guide</source>
        <translation>Handbuch</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>Search the guide</source>
        <translation>Im Handbuch suchen</translation>
    </message>
    <message>
        <source>Pages of the guide</source>
        <translation>Seiten des Handbuchs</translation>
    </message>
    <message>
        <source>Text of the page</source>
        <translation>Text der Seite</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::HistoryChart</name>
    <message>
        <source>Time to first token of the last questions</source>
        <translation>Zeit bis zum ersten Token der letzten Fragen</translation>
    </message>
    <message>
        <source>The table below has the same numbers.</source>
        <translation>Die Tabelle darunter hat dieselben Zahlen.</translation>
    </message>
    <message>
        <source>%1 s</source>
        <translation>%1 s</translation>
    </message>
    <message>
        <source>%1 ms</source>
        <translation>%1 ms</translation>
    </message>
    <message>
        <source>with caches</source>
        <translation>mit Caches</translation>
    </message>
    <message>
        <source>without, measured</source>
        <translation>ohne, gemessen</translation>
    </message>
    <message>
        <source>without caches, measured</source>
        <translation>ohne Caches, gemessen</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::HistoryTable</name>
    <message>
        <source>without caches</source>
        <translation>ohne Caches</translation>
    </message>
    <message>
        <source>with caches</source>
        <translation>mit Caches</translation>
    </message>
    <message>
        <source>measured</source>
        <translation>gemessen</translation>
    </message>
    <message>
        <source>estimated</source>
        <translation>geschätzt</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>angehalten</translation>
    </message>
    <message>
        <source>Asked</source>
        <translation>Gefragt</translation>
    </message>
    <message>
        <source>Question</source>
        <translation>Frage</translation>
    </message>
    <message>
        <source>First token (ms)</source>
        <translation>Erstes Token (ms)</translation>
    </message>
    <message>
        <source>Kind</source>
        <translation>Art</translation>
    </message>
    <message>
        <source>Without caches (ms)</source>
        <translation>Ohne Caches (ms)</translation>
    </message>
    <message>
        <source>That figure is</source>
        <translation>Diese Zahl ist</translation>
    </message>
    <message>
        <source>Mode</source>
        <translation>Verfahren</translation>
    </message>
    <message>
        <source>Document tokens</source>
        <translation>Dokument-Token</translation>
    </message>
    <message>
        <source>Reused</source>
        <translation>Wiederbenutzt</translation>
    </message>
    <message>
        <source>Prefilled</source>
        <translation>Gelesen</translation>
    </message>
    <message>
        <source>Bytes read</source>
        <translation>Bytes gelesen</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::JobRow</name>
    <message>
        <source>Stop</source>
        <translation>Stopp</translation>
    </message>
    <message>
        <source>%1: %2 of %3</source>
        <translation>%1: %2 von %3</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::LibraryModel</name>
    <message>
        <source>Single files</source>
        <translation>Einzelne Dateien</translation>
    </message>
    <message numerus="yes">
        <source>Collection %1, %n document(s)</source>
        <translation>
            <numerusform>Sammlung %1, %n Dokument</numerusform>
            <numerusform>Sammlung %1, %n Dokumente</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::LibraryPanel</name>
    <message>
        <source>Search the library</source>
        <translation>Bibliothek durchsuchen</translation>
    </message>
    <message>
        <source>Documents</source>
        <translation>Dokumente</translation>
    </message>
    <message>
        <source>Add files</source>
        <translation>Dateien hinzufügen</translation>
    </message>
    <message>
        <source>Add folder</source>
        <translation>Ordner hinzufügen</translation>
    </message>
    <message>
        <source>Clear</source>
        <translation>Leeren</translation>
    </message>
    <message>
        <source>Ask the whole library</source>
        <translation>Die ganze Bibliothek fragen</translation>
    </message>
    <message numerus="yes">
        <source>%n file(s) are of a kind that cannot be read yet.</source>
        <translation>
            <numerusform>%n Datei ist von einer Art, die noch nicht gelesen werden kann.</numerusform>
            <numerusform>%n Dateien sind von einer Art, die noch nicht gelesen werden kann.</numerusform>
        </translation>
    </message>
    <message>
        <source>All %1</source>
        <translation>Alle %1</translation>
    </message>
    <message>
        <source>Ready %1</source>
        <translation>Bereit %1</translation>
    </message>
    <message>
        <source>Problems %1</source>
        <translation>Probleme %1</translation>
    </message>
    <message numerus="yes">
        <source>%n document(s)</source>
        <translation>
            <numerusform>%n Dokument</numerusform>
            <numerusform>%n Dokumente</numerusform>
        </translation>
    </message>
    <message>
        <source>Questions use the whole library</source>
        <translation>Fragen gelten der ganzen Bibliothek</translation>
    </message>
    <message>
        <source>Questions use: %1</source>
        <translation>Fragen gelten: %1</translation>
    </message>
    <message>
        <source>The library is not open</source>
        <translation>Die Bibliothek ist nicht geöffnet</translation>
    </message>
    <message>
        <source>Opening the library…</source>
        <translation>Die Bibliothek wird geöffnet…</translation>
    </message>
    <message>
        <source>Drop files or a folder</source>
        <translation>Dateien oder einen Ordner hier ablegen</translation>
    </message>
    <message>
        <source>They never leave this computer. Text, PDF, office files, web pages and mail can be read; the guide lists the formats.</source>
        <translation>Sie verlassen diesen Rechner nie. Text, PDF, Office-Dateien, Webseiten und Mails können gelesen werden; das Handbuch nennt die Formate.</translation>
    </message>
    <message>
        <source>No document here</source>
        <translation>Hier ist kein Dokument</translation>
    </message>
    <message>
        <source>Everything could be read.</source>
        <translation>Alles konnte gelesen werden.</translation>
    </message>
    <message>
        <source>Nothing matches the search and the filter.</source>
        <translation>Nichts passt zu Suche und Filter.</translation>
    </message>
    <message>
        <source>Ask about this</source>
        <translation>Dazu fragen</translation>
    </message>
    <message>
        <source>Ask with the whole document</source>
        <translation>Mit dem ganzen Dokument fragen</translation>
    </message>
    <message>
        <source>Show the text</source>
        <translation>Text zeigen</translation>
    </message>
    <message>
        <source>Show its cache</source>
        <translation>Cache zeigen</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>Im Ordner zeigen</translation>
    </message>
    <message>
        <source>Why?</source>
        <translation>Warum?</translation>
    </message>
    <message>
        <source>Read again</source>
        <translation>Neu einlesen</translation>
    </message>
    <message>
        <source>Remove from the library</source>
        <translation>Aus der Bibliothek entfernen</translation>
    </message>
    <message>
        <source>Rename the collection</source>
        <translation>Sammlung umbenennen</translation>
    </message>
    <message>
        <source>Move to</source>
        <translation>Verschieben nach</translation>
    </message>
    <message>
        <source>A new collection</source>
        <translation>Eine neue Sammlung</translation>
    </message>
    <message>
        <source>The folder they lie in</source>
        <translation>Den Ordner, in dem sie liegen</translation>
    </message>
    <message>
        <source>New collection</source>
        <translation>Neue Sammlung</translation>
    </message>
    <message>
        <source>New collection %1</source>
        <translation>Neue Sammlung %1</translation>
    </message>
    <message>
        <source>Read its pictures (OCR)</source>
        <translation>Seine Bilder lesen (OCR)</translation>
    </message>
    <message>
        <source>Enter its password</source>
        <translation>Sein Passwort eingeben</translation>
    </message>
    <message>
        <source>Tell me of its problem again</source>
        <translation>Sein Problem wieder melden</translation>
    </message>
    <message>
        <source>Ignore its problem</source>
        <translation>Sein Problem ignorieren</translation>
    </message>
    <message>
        <source>Compute missing caches</source>
        <translation>Fehlende Caches berechnen</translation>
    </message>
    <message>
        <source>Load caches into memory</source>
        <translation>Caches in den Speicher laden</translation>
    </message>
    <message numerus="yes">
        <source>%n block(s) are in memory, as far as its budget goes.</source>
        <translation>
            <numerusform>%n Block ist im Speicher, soweit dessen Budget reicht.</numerusform>
            <numerusform>%n Blöcke sind im Speicher, soweit dessen Budget reicht.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n passage(s) have none yet.</source>
        <translation>
            <numerusform>%n Abschnitt hat noch keinen.</numerusform>
            <numerusform>%n Abschnitte haben noch keinen.</numerusform>
        </translation>
    </message>
    <message>
        <source>Stop following %1</source>
        <translation>%1 nicht mehr folgen</translation>
    </message>
    <message>
        <source>Follow this folder</source>
        <translation>Diesem Ordner folgen</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::LinkOpening</name>
    <message>
        <source>The answer links to %1 – outside of this computer.</source>
        <translation>Die Antwort verweist auf %1 – außerhalb dieses Rechners.</translation>
    </message>
    <message>
        <source>Open in browser</source>
        <translation>Im Browser öffnen</translation>
    </message>
    <message>
        <source>This link is not opened: %1. Only plain web addresses are.</source>
        <translation>Dieser Verweis wird nicht geöffnet: %1. Nur einfache Webadressen werden es.</translation>
    </message>
    <message>
        <source>Copy address</source>
        <translation>Adresse kopieren</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::MainWindow</name>
    <message>
        <source>Source</source>
        <translation>Quelle</translation>
    </message>
    <message>
        <source>Cache</source>
        <translation>Cache</translation>
    </message>
    <message>
        <source>Timing</source>
        <translation>Zeiten</translation>
    </message>
    <message>
        <source>%1 – KVLink</source>
        <translation>%1 – KVLink</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>Noch einmal</translation>
    </message>
    <message>
        <source>Choose a model</source>
        <translation>Modell wählen</translation>
    </message>
    <message>
        <source>Documents can be added once there is a model. They will wait.</source>
        <translation>Dokumente können hinzugefügt werden, sobald es ein Modell gibt. Sie warten so lange.</translation>
    </message>
    <message numerus="yes">
        <source>%n address(es) of the network left out: KVLink never fetches anything.</source>
        <translation>
            <numerusform>%n Netzadresse ausgelassen: KVLink holt nie etwas ab.</numerusform>
            <numerusform>%n Netzadressen ausgelassen: KVLink holt nie etwas ab.</numerusform>
        </translation>
    </message>
    <message>
        <source>Add files</source>
        <translation>Dateien hinzufügen</translation>
    </message>
    <message>
        <source>Add a folder</source>
        <translation>Ordner hinzufügen</translation>
    </message>
    <message>
        <source>%1 was removed.</source>
        <translation>%1 wurde entfernt.</translation>
    </message>
    <message numerus="yes">
        <source>%n document(s) were removed.</source>
        <translation>
            <numerusform>%n Dokument wurde entfernt.</numerusform>
            <numerusform>%n Dokumente wurden entfernt.</numerusform>
        </translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message numerus="yes">
        <source>%n file(s) could not be read. The first: </source>
        <translation>
            <numerusform>%n Datei konnte nicht gelesen werden: </numerusform>
            <numerusform>%n Dateien konnten nicht gelesen werden. Die erste: </numerusform>
        </translation>
    </message>
    <message>
        <source>Show them</source>
        <translation>Zeigen</translation>
    </message>
    <message>
        <source>Documents are ready</source>
        <translation>Dokumente sind bereit</translation>
    </message>
    <message numerus="yes">
        <source>%n document(s) added or updated</source>
        <translation>
            <numerusform>%n Dokument hinzugefügt oder erneuert</numerusform>
            <numerusform>%n Dokumente hinzugefügt oder erneuert</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>over %1 of %n document(s)</source>
        <translation>
            <numerusform>über %1 von %n Dokument</numerusform>
            <numerusform>über %1 von %n Dokumenten</numerusform>
        </translation>
    </message>
    <message>
        <source>Add &amp;files…</source>
        <translation>&amp;Dateien hinzufügen…</translation>
    </message>
    <message>
        <source>Add a f&amp;older…</source>
        <translation>&amp;Ordner hinzufügen…</translation>
    </message>
    <message>
        <source>Add what is on the clip&amp;board</source>
        <translation>Aus der &amp;Zwischenablage hinzufügen</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>&amp;Beenden</translation>
    </message>
    <message>
        <source>&amp;New conversation</source>
        <translation>&amp;Neues Gespräch</translation>
    </message>
    <message>
        <source>&amp;Conversations</source>
        <translation>&amp;Gespräche</translation>
    </message>
    <message>
        <source>&amp;Stop answering</source>
        <translation>Antwort an&amp;halten</translation>
    </message>
    <message>
        <source>&amp;Remove selected documents</source>
        <translation>Gewählte Dokumente &amp;entfernen</translation>
    </message>
    <message>
        <source>Read selected documents &amp;again</source>
        <translation>Gewählte Dokumente ne&amp;u einlesen</translation>
    </message>
    <message>
        <source>&amp;Pause or go on indexing</source>
        <translation>Einlesen &amp;unterbrechen oder fortsetzen</translation>
    </message>
    <message>
        <source>&amp;Cache everything that has no cache</source>
        <translation>Alles ohne &amp;Cache berechnen</translation>
    </message>
    <message>
        <source>&amp;Find in the library</source>
        <translation>In der Bibliothek &amp;suchen</translation>
    </message>
    <message>
        <source>Write a &amp;question</source>
        <translation>&amp;Frage schreiben</translation>
    </message>
    <message>
        <source>Go to the &amp;library</source>
        <translation>Zur &amp;Bibliothek</translation>
    </message>
    <message>
        <source>Show &amp;source</source>
        <translation>&amp;Quelle zeigen</translation>
    </message>
    <message>
        <source>Show &amp;cache</source>
        <translation>&amp;Cache zeigen</translation>
    </message>
    <message>
        <source>Show &amp;timing</source>
        <translation>&amp;Zeiten zeigen</translation>
    </message>
    <message>
        <source>&amp;Inspector</source>
        <translation>&amp;Inspektor</translation>
    </message>
    <message>
        <source>&amp;Models and settings</source>
        <translation>&amp;Modelle und Einstellungen</translation>
    </message>
    <message>
        <source>Command &amp;palette</source>
        <translation>Befehls&amp;liste</translation>
    </message>
    <message>
        <source>&amp;Larger text</source>
        <translation>&amp;Größere Schrift</translation>
    </message>
    <message>
        <source>&amp;Smaller text</source>
        <translation>&amp;Kleinere Schrift</translation>
    </message>
    <message>
        <source>&amp;Normal text</source>
        <translation>&amp;Normale Schrift</translation>
    </message>
    <message>
        <source>&amp;Dark or light</source>
        <translation>&amp;Dunkel oder hell</translation>
    </message>
    <message>
        <source>&amp;Keyboard shortcuts</source>
        <translation>&amp;Tastenkürzel</translation>
    </message>
    <message>
        <source>&amp;Guide</source>
        <translation>&amp;Anleitung</translation>
    </message>
    <message>
        <source>&amp;About KVLink</source>
        <translation>Ü&amp;ber KVLink</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>&amp;Datei</translation>
    </message>
    <message>
        <source>&amp;Library</source>
        <translation>&amp;Bibliothek</translation>
    </message>
    <message>
        <source>&amp;Question</source>
        <translation>&amp;Frage</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>&amp;Ansicht</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>&amp;Hilfe</translation>
    </message>
    <message>
        <source>Main toolbar</source>
        <translation>Hauptleiste</translation>
    </message>
    <message>
        <source>Enter</source>
        <translation>Eingabe</translation>
    </message>
    <message>
        <source>Send the question</source>
        <translation>Die Frage senden</translation>
    </message>
    <message>
        <source>Shift+Enter</source>
        <translation>Umschalt+Eingabe</translation>
    </message>
    <message>
        <source>New line in the question</source>
        <translation>Neue Zeile in der Frage</translation>
    </message>
    <message>
        <source>Up</source>
        <translation>Auf</translation>
    </message>
    <message>
        <source>The question before, in an empty field</source>
        <translation>Die vorige Frage, im leeren Feld</translation>
    </message>
    <message>
        <source>Space</source>
        <translation>Leertaste</translation>
    </message>
    <message>
        <source>Check a document: questions use checked ones only</source>
        <translation>Ein Dokument ankreuzen: Fragen gelten nur angekreuzten</translation>
    </message>
    <message>
        <source>Del</source>
        <translation>Entf</translation>
    </message>
    <message>
        <source>Remove the selected documents (can be undone)</source>
        <translation>Die gewählten Dokumente entfernen (kann rückgängig gemacht werden)</translation>
    </message>
    <message numerus="yes">
        <source>%n document(s)</source>
        <translation>
            <numerusform>%n Dokument</numerusform>
            <numerusform>%n Dokumente</numerusform>
        </translation>
    </message>
    <message>
        <source>%1 listed by folder again.</source>
        <translation>%1 steht wieder unter dem eigenen Ordner.</translation>
    </message>
    <message>
        <source>%1 moved to “%2”. The files stay where they are.</source>
        <translation>%1 nach „%2“ verschoben. Die Dateien bleiben, wo sie sind.</translation>
    </message>
    <message>
        <source>Inspector</source>
        <translation>Inspektor</translation>
    </message>
    <message>
        <source>%1 is ignored until it changes.</source>
        <translation>%1 wird ignoriert, bis es sich ändert.</translation>
    </message>
    <message numerus="yes">
        <source>%n document(s) are ignored until they change.</source>
        <translation>
            <numerusform>%n Dokument wird ignoriert, bis es sich ändert.</numerusform>
            <numerusform>%n Dokumente werden ignoriert, bis sie sich ändern.</numerusform>
        </translation>
    </message>
    <message>
        <source>Caches are ready</source>
        <translation>Caches sind fertig</translation>
    </message>
    <message numerus="yes">
        <source>%n block(s) computed</source>
        <translation>
            <numerusform>%n Block berechnet</numerusform>
            <numerusform>%n Blöcke berechnet</numerusform>
        </translation>
    </message>
    <message>
        <source>Page Up, Page Down</source>
        <translation>Bild auf, Bild ab</translation>
    </message>
    <message>
        <source>Scroll the conversation</source>
        <translation>Im Gespräch blättern</translation>
    </message>
    <message>
        <source>Documents can be added once the library is open. They will wait.</source>
        <translation>Dokumente können hinzugefügt werden, sobald die Bibliothek geöffnet ist. Sie warten.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ModePicker</name>
    <message>
        <source>How passages reach the model</source>
        <translation>Wie Abschnitte zum Modell kommen</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ModeWords</name>
    <message>
        <source>Link</source>
        <translation>Verbinden</translation>
    </message>
    <message>
        <source>Reposition</source>
        <translation>Versetzen</translation>
    </message>
    <message>
        <source>Recompute</source>
        <translation>Nachrechnen</translation>
    </message>
    <message>
        <source>Full</source>
        <translation>Voll</translation>
    </message>
    <message>
        <source>Concat</source>
        <translation>Aneinanderhängen</translation>
    </message>
    <message>
        <source>Loads the caches of the passages and joins them with trained links.</source>
        <translation>Lädt die Caches der Abschnitte und verbindet sie mit gelernten Gliedern.</translation>
    </message>
    <message>
        <source>Loads the caches of the passages and moves each to its place.</source>
        <translation>Lädt die Caches der Abschnitte und versetzt jeden an seinen Platz.</translation>
    </message>
    <message>
        <source>Loads the caches and reads a part of every passage again.</source>
        <translation>Lädt die Caches und liest einen Teil jedes Abschnitts neu.</translation>
    </message>
    <message>
        <source>Reads every passage anew, without a cache: the slowest, the reference.</source>
        <translation>Liest jeden Abschnitt neu, ohne Cache: am langsamsten, der Maßstab.</translation>
    </message>
    <message>
        <source>Loads the caches as they are: shows why places matter.</source>
        <translation>Lädt die Caches, wie sie sind: zeigt, warum der Platz zählt.</translation>
    </message>
    <message>
        <source>For comparison only: answers are often wrong.</source>
        <translation>Nur zum Vergleich: Antworten sind oft falsch.</translation>
    </message>
    <message>
        <source>This model has no trained links; choose another mode.</source>
        <translation>Dieses Modell hat keine gelernten Glieder; ein anderes Verfahren wählen.</translation>
    </message>
    <message>
        <source>Lower quality: this model has no trained links, so answers that need several passages may be wrong.</source>
        <translation>Geringere Güte: dieses Modell hat keine gelernten Glieder; Antworten aus mehreren Abschnitten können falsch sein.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ModelJobs</name>
    <message>
        <source>Trying %1</source>
        <translation>%1 wird ausprobiert</translation>
    </message>
    <message>
        <source>Copying %1</source>
        <translation>%1 wird kopiert</translation>
    </message>
    <message>
        <source>Linking %1</source>
        <translation>%1 wird verknüpft</translation>
    </message>
    <message>
        <source>Removing %1</source>
        <translation>%1 wird entfernt</translation>
    </message>
    <message>
        <source>%1 is a copy of %2.</source>
        <translation>%1 ist eine Kopie von %2.</translation>
    </message>
    <message>
        <source>%1 is a link to %2.</source>
        <translation>%1 ist eine Verknüpfung auf %2.</translation>
    </message>
    <message>
        <source>The link %1 is gone; the model itself is untouched.</source>
        <translation>Die Verknüpfung %1 ist weg; das Modell selbst ist unberührt.</translation>
    </message>
    <message>
        <source>%1 is gone, %2. Blocks that it had cached stay until room is needed.</source>
        <translation>%1 ist weg, %2. Seine gespeicherten Blöcke bleiben, bis Platz gebraucht wird.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ModelTable</name>
    <message>
        <source>being tried …</source>
        <translation>wird erprobt …</translation>
    </message>
    <message>
        <source>does not work</source>
        <translation>geht nicht</translation>
    </message>
    <message>
        <source>in use</source>
        <translation>in Gebrauch</translation>
    </message>
    <message>
        <source>works</source>
        <translation>geht</translation>
    </message>
    <message>
        <source>not tried yet</source>
        <translation>noch nicht erprobt</translation>
    </message>
    <message>
        <source>%1, %2, weights %3, tokenizer %4, fingerprint %5</source>
        <translation>%1, %2, Gewichte %3, Tokenizer %4, Fingerabdruck %5</translation>
    </message>
    <message>
        <source>answers</source>
        <translation>antwortet</translation>
    </message>
    <message>
        <source>finds passages</source>
        <translation>findet Abschnitte</translation>
    </message>
    <message>
        <source>Of the weights; blocks and the context come on top</source>
        <translation>Der Gewichte; Blöcke und Kontext kommen hinzu</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>For</source>
        <translation>Aufgabe</translation>
    </message>
    <message>
        <source>Found in</source>
        <translation>Gefunden in</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>Speicher</translation>
    </message>
    <message>
        <source>KV / 1,000 tokens</source>
        <translation>KV / 1.000 Token</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>Kontext</translation>
    </message>
    <message>
        <source>State</source>
        <translation>Stand</translation>
    </message>
    <message>
        <source>yes</source>
        <translation>ja</translation>
    </message>
    <message>
        <source>no</source>
        <translation>nein</translation>
    </message>
    <message>
        <source>cannot be used</source>
        <translation>nicht verwendbar</translation>
    </message>
    <message>
        <source>Whether there is a link adapter that was made for the model</source>
        <translation>Ob es einen Link-Adapter gibt, der für das Modell gemacht wurde</translation>
    </message>
    <message>
        <source>Adapter</source>
        <translation>Adapter</translation>
    </message>
    <message>
        <source>Chats are written as %1, %2</source>
        <translation>Gespräche werden geschrieben als %1, %2</translation>
    </message>
    <message>
        <source>%1 of memory with 1,000 tokens; reads %2 and writes %3 tokens a second</source>
        <translation>%1 Speicher mit 1.000 Token; liest %2 und schreibt %3 Token in der Sekunde</translation>
    </message>
    <message>
        <source>%1 of it are weights packed for this processor; of the file of %2 only %3 stay in memory</source>
        <translation>%1 davon sind Gewichte, für diesen Prozessor gepackt; von der Datei von %2 bleiben nur %3 im Speicher</translation>
    </message>
    <message>
        <source>Perplexity %1 on a built-in text of %2 tokens</source>
        <translation>Perplexität %1 auf einem eingebauten Text von %2 Token</translation>
    </message>
    <message>
        <source>; its tokenizer does not give the text back unchanged</source>
        <translation>; sein Tokenizer gibt den Text nicht unverändert zurück</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ModelsPage</name>
    <message>
        <source>Models found on this computer</source>
        <translation>Modelle auf diesem Rechner</translation>
    </message>
    <message>
        <source>Use this model</source>
        <translation>Dieses Modell benutzen</translation>
    </message>
    <message>
        <source>Says first what that would cost</source>
        <translation>Sagt vorher, was das kostet</translation>
    </message>
    <message>
        <source>Try it</source>
        <translation>Erproben</translation>
    </message>
    <message>
        <source>Loads the model for a moment and computes with it</source>
        <translation>Lädt das Modell kurz und rechnet damit</translation>
    </message>
    <message>
        <source>Add a file …</source>
        <translation>Datei hinzufügen …</translation>
    </message>
    <message>
        <source>A GGUF file from anywhere</source>
        <translation>Eine GGUF-Datei von irgendwo</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>Neu suchen</translation>
    </message>
    <message>
        <source>Looks through the folders again</source>
        <translation>Sieht die Ordner noch einmal durch</translation>
    </message>
    <message>
        <source>Add a model</source>
        <translation>Modell hinzufügen</translation>
    </message>
    <message>
        <source>Models (*.gguf)</source>
        <translation>Modelle (*.gguf)</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>Alle Dateien (*)</translation>
    </message>
    <message>
        <source>In use: %1 (%2), %3</source>
        <translation>In Gebrauch: %1 (%2), %3</translation>
    </message>
    <message>
        <source>%1 layers, context of %2 tokens, KV %3 per 1,000 tokens</source>
        <translation>%1 Schichten, Kontext von %2 Token, KV %3 je 1.000 Token</translation>
    </message>
    <message>
        <source>Link adapter: yes</source>
        <translation>Link-Adapter: ja</translation>
    </message>
    <message>
        <source>Link adapter: no; the mode Link needs one</source>
        <translation>Link-Adapter: nein; das Verfahren Verbinden braucht einen</translation>
    </message>
    <message>
        <source>Fingerprint: %1</source>
        <translation>Fingerabdruck: %1</translation>
    </message>
    <message>
        <source>Keep a link</source>
        <translation>Verknüpfen</translation>
    </message>
    <message>
        <source>Puts a link into the models folder; the model stays where it is</source>
        <translation>Legt eine Verknüpfung in den Modellordner; das Modell bleibt, wo es ist</translation>
    </message>
    <message>
        <source>Copy it here</source>
        <translation>Hierher kopieren</translation>
    </message>
    <message>
        <source>Copies it into the models folder</source>
        <translation>Kopiert es in den Modellordner</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Erases it from the models folder; of a link only the link</source>
        <translation>Löscht es aus dem Modellordner; von einer Verknüpfung nur diese</translation>
    </message>
    <message>
        <source>Add a folder …</source>
        <translation>Ordner hinzufügen …</translation>
    </message>
    <message>
        <source>A model as Hugging Face keeps it: config.json and safetensors</source>
        <translation>Ein Modell, wie Hugging Face es ablegt: config.json und safetensors</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>Nothing was removed.</source>
        <translation>Nichts wurde entfernt.</translation>
    </message>
    <message>
        <source>Chats are written as %1, %2</source>
        <translation>Gespräche werden geschrieben als %1, %2</translation>
    </message>
    <message>
        <source>The link %1 will be removed in %2 s. The model stays where it is.</source>
        <translation>Die Verknüpfung %1 wird in %2 s entfernt. Das Modell bleibt, wo es ist.</translation>
    </message>
    <message>
        <source>%1 will be erased in %2 s: %3.</source>
        <translation>%1 wird in %2 s gelöscht: %3.</translation>
    </message>
    <message>
        <source>There is no model yet.

Two come with the package kvlink-models; or the command ./run in the source folder fetches them into %1, 176 MB in all: SmolLM2-135M-Instruct, which answers, and all-MiniLM-L6-v2, which finds passages. Both need the internet once; the window itself never opens a connection.

To bring your own, drop a GGUF file of a Llama-like model here, or copy it into that folder. Models that LM Studio, Hugging Face or GPT4All keep on this computer are listed below.</source>
        <translation>Es gibt noch kein Modell.

Zwei bringt das Paket kvlink-models mit; oder der Befehl ./run im Quellordner holt sie nach %1, zusammen 176 MB: SmolLM2-135M-Instruct antwortet, all-MiniLM-L6-v2 findet Abschnitte. Beides braucht einmal das Internet; das Fenster selbst öffnet nie eine Verbindung.

Für ein eigenes Modell eine GGUF-Datei eines Llama-ähnlichen Modells hier ablegen oder in diesen Ordner kopieren. Modelle, die LM Studio, Hugging Face oder GPT4All auf diesem Rechner haben, stehen unten in der Liste.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::PageView</name>
    <message>
        <source>Page</source>
        <translation>Seite</translation>
    </message>
    <message>
        <source>Page %1, with the passage painted</source>
        <translation>Seite %1, der Abschnitt ist markiert</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::PassageList</name>
    <message>
        <source>Passages</source>
        <translation>Abschnitte</translation>
    </message>
    <message numerus="yes">
        <source>Show %n more passage(s)</source>
        <translation>
            <numerusform>%n weiteren Abschnitt zeigen</numerusform>
            <numerusform>%n weitere Abschnitte zeigen</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::PassageRow</name>
    <message>
        <source>Source %1: %2</source>
        <translation>Quelle %1: %2</translation>
    </message>
    <message>
        <source>Near, but not used, %1: %2</source>
        <translation>Nahe, aber nicht verwendet, %1: %2</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::PreScanCard</name>
    <message>
        <source>no suffix</source>
        <translation>ohne Endung</translation>
    </message>
    <message>
        <source>Start</source>
        <translation>Beginnen</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Looking into %1…</source>
        <translation>%1 wird durchgesehen…</translation>
    </message>
    <message numerus="yes">
        <source>Looking into %n place(s)…</source>
        <translation>
            <numerusform>%n Ort wird durchgesehen…</numerusform>
            <numerusform>%n Orte werden durchgesehen…</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n more file(s) of other types.</source>
        <translation>
            <numerusform>%n weitere Datei anderer Art.</numerusform>
            <numerusform>%n weitere Dateien anderer Art.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n file(s) of other kinds stay out: %1.</source>
        <translation>
            <numerusform>%n Datei anderer Art bleibt draußen: %1.</numerusform>
            <numerusform>%n Dateien anderer Art bleiben draußen: %1.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n hidden name(s) stay out.</source>
        <translation>
            <numerusform>%n versteckter Name bleibt draußen.</numerusform>
            <numerusform>%n versteckte Namen bleiben draußen.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n link(s) to other folders are not followed.</source>
        <translation>
            <numerusform>%n Verweis auf einen anderen Ordner wird nicht verfolgt.</numerusform>
            <numerusform>%n Verweise auf andere Ordner werden nicht verfolgt.</numerusform>
        </translation>
    </message>
    <message>
        <source>Nothing here can be read.</source>
        <translation>Nichts davon kann gelesen werden.</translation>
    </message>
    <message numerus="yes">
        <source>Add %n file(s)?</source>
        <translation>
            <numerusform>%n Datei hinzufügen?</numerusform>
            <numerusform>%n Dateien hinzufügen?</numerusform>
        </translation>
    </message>
    <message>
        <source>Searchable in about %1.</source>
        <translation>Durchsuchbar in etwa %1.</translation>
    </message>
    <message>
        <source>Cached in about %1, using %2 on disk.</source>
        <translation>Berechnet in etwa %1, mit %2 auf der Platte.</translation>
    </message>
    <message>
        <source>The cache budget has room for %1 of that.</source>
        <translation>Die Obergrenze lässt davon %1 zu.</translation>
    </message>
    <message>
        <source>Cache them, for fast answers</source>
        <translation>Berechnen, für schnelle Antworten</translation>
    </message>
    <message>
        <source>The language model reads every passage once, now. Otherwise documents are only searchable, and a question computes what it needs.</source>
        <translation>Das Sprachmodell liest jeden Abschnitt jetzt einmal. Sonst sind Dokumente nur durchsuchbar, und eine Frage berechnet, was sie braucht.</translation>
    </message>
    <message>
        <source>Searchable within a second.</source>
        <translation>In einer Sekunde durchsuchbar.</translation>
    </message>
    <message>
        <source>(A guess: nothing was measured here yet.)</source>
        <translation>(Geraten: hier wurde noch nichts gemessen.)</translation>
    </message>
    <message>
        <source>Follow what changes there</source>
        <translation>Änderungen dort folgen</translation>
    </message>
    <message>
        <source>While KVLink is open, files that are new or changed are read, and documents whose files are deleted leave the library. What changed meanwhile is looked up at the next start.</source>
        <translation>Solange KVLink offen ist, werden neue und geänderte Dateien gelesen, und Dokumente, deren Dateien gelöscht sind, verlassen die Bibliothek. Was sich in der Zwischenzeit geändert hat, wird beim nächsten Start nachgesehen.</translation>
    </message>
    <message>
        <source>Cached within a second, using %1 on disk.</source>
        <translation>Berechnet innerhalb einer Sekunde, mit %1 auf der Festplatte.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ProblemBar</name>
    <message numerus="yes">
        <source>%n document(s) could not be read and are ignored.</source>
        <translation>
            <numerusform>%n Dokument konnte nicht gelesen werden und wird ignoriert.</numerusform>
            <numerusform>%n Dokumente konnten nicht gelesen werden und werden ignoriert.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s) need a password.</source>
        <translation>
            <numerusform>%n Dokument braucht ein Passwort.</numerusform>
            <numerusform>%n Dokumente brauchen ein Passwort.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s) have pictures that were not read.</source>
        <translation>
            <numerusform>%n Dokument hat Bilder, die nicht gelesen wurden.</numerusform>
            <numerusform>%n Dokumente haben Bilder, die nicht gelesen wurden.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s) could not be read.</source>
        <translation>
            <numerusform>%n Dokument konnte nicht gelesen werden.</numerusform>
            <numerusform>%n Dokumente konnten nicht gelesen werden.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s) could not be read wholly.</source>
        <translation>
            <numerusform>%n Dokument konnte nicht ganz gelesen werden.</numerusform>
            <numerusform>%n Dokumente konnten nicht ganz gelesen werden.</numerusform>
        </translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>Read its pictures (OCR)</source>
        <translation>Seine Bilder lesen (OCR)</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>Noch einmal versuchen</translation>
    </message>
    <message>
        <source>Password</source>
        <translation>Passwort</translation>
    </message>
    <message>
        <source>Password of the document</source>
        <translation>Passwort des Dokuments</translation>
    </message>
    <message>
        <source>It goes to the program that opens the document, and is kept in memory until KVLink closes; no file has it.</source>
        <translation>Es geht an das Programm, das das Dokument öffnet, und bleibt im Speicher, bis KVLink geschlossen wird; in keiner Datei steht es.</translation>
    </message>
    <message>
        <source>Tell me again</source>
        <translation>Wieder melden</translation>
    </message>
    <message>
        <source>Ignore</source>
        <translation>Ignorieren</translation>
    </message>
    <message>
        <source>It is listed among the problems again.</source>
        <translation>Es steht wieder unter den Problemen.</translation>
    </message>
    <message>
        <source>It is not listed among the problems, until it changes.</source>
        <translation>Es steht nicht unter den Problemen, bis es sich ändert.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::QuestionBox</name>
    <message>
        <source>Ask your documents…</source>
        <translation>Die Dokumente fragen…</translation>
    </message>
    <message>
        <source>Question</source>
        <translation>Frage</translation>
    </message>
    <message>
        <source>Enter sends, Shift+Enter begins a new line</source>
        <translation>Eingabe sendet, Umschalt+Eingabe beginnt eine neue Zeile</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::QuestionLabel</name>
    <message>
        <source>Question: %1</source>
        <translation>Frage: %1</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ReadAheadWords</name>
    <message>
        <source>No time was saved, all measured.</source>
        <translation>Gespart wurde keine Zeit, alles gemessen.</translation>
    </message>
    <message>
        <source>%1 saved, all measured.</source>
        <translation>%1 gespart, alles gemessen.</translation>
    </message>
    <message numerus="yes">
        <source>%n block(s), %1, read ahead while you typed: %2 from disk then, %3 from memory after Enter.</source>
        <translation>
            <numerusform>%n Block, %1, beim Tippen vorausgelesen: da %2 von der Platte, nach Enter %3 aus dem Speicher.</numerusform>
            <numerusform>%n Blöcke, %1, beim Tippen vorausgelesen: da %2 von der Platte, nach Enter %3 aus dem Speicher.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::SettingsForm</name>
    <message>
        <source>System prompt</source>
        <translation>Anweisung</translation>
    </message>
    <message>
        <source>End the answer where the model begins the next question</source>
        <translation>Die Antwort beenden, wo das Modell die nächste Frage beginnt</translation>
    </message>
    <message>
        <source>Small models like to make up what the user asks next</source>
        <translation>Kleine Modelle erfinden gern die nächste Frage</translation>
    </message>
    <message>
        <source>Best the model can do</source>
        <translation>Das Beste, was das Modell kann</translation>
    </message>
    <message>
        <source>How stored blocks are joined. A question can choose another.</source>
        <translation>Wie Blöcke verbunden werden. Eine Frage kann ein anderes wählen.</translation>
    </message>
    <message>
        <source>Mode</source>
        <translation>Verfahren</translation>
    </message>
    <message>
        <source>What the model is told first. Blocks are computed behind it: another text means computing all of them again.</source>
        <translation>Was dem Modell zuerst gesagt wird. Blöcke werden dahinter berechnet: ein anderer Text heißt, alle neu zu berechnen.</translation>
    </message>
    <message>
        <source>Answers</source>
        <translation>Antworten</translation>
    </message>
    <message>
        <source>Recompute share</source>
        <translation>Anteil neu</translation>
    </message>
    <message>
        <source>Of each passage, in the mode Recompute</source>
        <translation>Jedes Abschnitts, im Verfahren Nachrechnen</translation>
    </message>
    <message>
        <source>Passages per answer</source>
        <translation>Abschnitte je Antwort</translation>
    </message>
    <message>
        <source>How many are read for a question</source>
        <translation>So viele werden für eine Frage gelesen</translation>
    </message>
    <message>
        <source>Longest answer</source>
        <translation>Längste Antwort</translation>
    </message>
    <message>
        <source>The answer ends there at the latest</source>
        <translation>Spätestens dort endet die Antwort</translation>
    </message>
    <message>
        <source> tokens</source>
        <translation> Token</translation>
    </message>
    <message>
        <source>Choice of words</source>
        <translation>Wortwahl</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>Temperatur</translation>
    </message>
    <message>
        <source>0 takes the most likely word: best for documents</source>
        <translation>0 nimmt das wahrscheinlichste Wort: am besten für Dokumente</translation>
    </message>
    <message>
        <source>Top k</source>
        <translation>Top k</translation>
    </message>
    <message>
        <source>Only the k most likely words are considered</source>
        <translation>Nur die k wahrscheinlichsten Wörter kommen in Frage</translation>
    </message>
    <message>
        <source>no limit</source>
        <translation>unbegrenzt</translation>
    </message>
    <message>
        <source>Top p</source>
        <translation>Top p</translation>
    </message>
    <message>
        <source>Only the most likely words that together have this share</source>
        <translation>Nur die wahrscheinlichsten Wörter mit zusammen diesem Anteil</translation>
    </message>
    <message>
        <source>Repetition penalty</source>
        <translation>Strafe für Wiederholung</translation>
    </message>
    <message>
        <source>1: none</source>
        <translation>1: keine</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>Startwert</translation>
    </message>
    <message>
        <source>The same seed gives the same answer</source>
        <translation>Derselbe Startwert gibt dieselbe Antwort</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>Threads</translation>
    </message>
    <message>
        <source>That compute</source>
        <translation>Die rechnen</translation>
    </message>
    <message>
        <source>one per physical core</source>
        <translation>einer je Kern</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>Kontext</translation>
    </message>
    <message>
        <source>What the model can see at once</source>
        <translation>Was das Modell auf einmal sieht</translation>
    </message>
    <message>
        <source>as the model was trained</source>
        <translation>wie das Modell gelernt hat</translation>
    </message>
    <message>
        <source>Passages</source>
        <translation>Abschnitte</translation>
    </message>
    <message>
        <source>For documents that are added from now on, or indexed again.</source>
        <translation>Für Dokumente, die von nun an dazukommen oder neu eingelesen werden.</translation>
    </message>
    <message>
        <source>Aim for</source>
        <translation>Ziel</translation>
    </message>
    <message>
        <source>A passage ends at the next border after this many</source>
        <translation>Ein Abschnitt endet an der nächsten Grenze danach</translation>
    </message>
    <message>
        <source>At most</source>
        <translation>Höchstens</translation>
    </message>
    <message>
        <source>A passage never has more</source>
        <translation>Mehr hat ein Abschnitt nie</translation>
    </message>
    <message>
        <source>Largest document</source>
        <translation>Größtes Dokument</translation>
    </message>
    <message>
        <source>Larger files are listed as problems</source>
        <translation>Größere Dateien stehen unter Probleme</translation>
    </message>
    <message>
        <source> MB</source>
        <translation> MB</translation>
    </message>
    <message>
        <source>Blocks</source>
        <translation>Blöcke</translation>
    </message>
    <message>
        <source>What the model computed for each passage.</source>
        <translation>Was das Modell für jeden Abschnitt berechnet hat.</translation>
    </message>
    <message>
        <source>On disk</source>
        <translation>Auf der Platte</translation>
    </message>
    <message>
        <source>Least useful blocks make room beyond this</source>
        <translation>Darüber weicht, was am wenigsten nützt</translation>
    </message>
    <message>
        <source>nothing</source>
        <translation>nichts</translation>
    </message>
    <message>
        <source> GB</source>
        <translation> GB</translation>
    </message>
    <message>
        <source>In memory</source>
        <translation>Im Speicher</translation>
    </message>
    <message>
        <source>Kept between questions</source>
        <translation>Zwischen Fragen behalten</translation>
    </message>
    <message>
        <source>Make room by</source>
        <translation>Platz machen nach</translation>
    </message>
    <message>
        <source>Which block goes first</source>
        <translation>Welcher Block zuerst geht</translation>
    </message>
    <message>
        <source>cost of computing × use / size</source>
        <translation>Rechenaufwand × Nutzung / Größe</translation>
    </message>
    <message>
        <source>longest not used</source>
        <translation>am längsten nicht benutzt</translation>
    </message>
    <message>
        <source>least often used</source>
        <translation>am seltensten benutzt</translation>
    </message>
    <message>
        <source>Precision</source>
        <translation>Genauigkeit</translation>
    </message>
    <message>
        <source>Of stored blocks; another one means computing all again</source>
        <translation>Der Blöcke; eine andere heißt, alle neu zu berechnen</translation>
    </message>
    <message>
        <source>f16: as computed</source>
        <translation>f16: wie berechnet</translation>
    </message>
    <message>
        <source>q8: half the size</source>
        <translation>q8: halbe Größe</translation>
    </message>
    <message>
        <source>The one made for the model</source>
        <translation>Der für das Modell gemachte</translation>
    </message>
    <message>
        <source>None</source>
        <translation>Keiner</translation>
    </message>
    <message>
        <source>Trained link tokens that join passages. Another one may mean computing blocks again; the line below says so first.</source>
        <translation>Trainierte Link-Token, die Abschnitte verbinden. Ein anderer kann bedeuten, dass Blöcke neu berechnet werden; die Zeile unten sagt es vorher.</translation>
    </message>
    <message>
        <source>Link adapter</source>
        <translation>Link-Adapter</translation>
    </message>
    <message>
        <source>File…</source>
        <translation>Datei…</translation>
    </message>
    <message>
        <source>Choose the file of a link adapter</source>
        <translation>Datei eines Link-Adapters wählen</translation>
    </message>
    <message>
        <source>Choose a link adapter</source>
        <translation>Link-Adapter wählen</translation>
    </message>
    <message>
        <source>Link adapters (*.safetensors)</source>
        <translation>Link-Adapter (*.safetensors)</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>Alle Dateien (*)</translation>
    </message>
    <message>
        <source>Pictures of text</source>
        <translation>Bilder von Text</translation>
    </message>
    <message>
        <source>Read with Tesseract where it is installed; a page takes seconds and waits for everything else</source>
        <translation>Mit Tesseract gelesen, wo es installiert ist; eine Seite dauert Sekunden und lässt allem anderen den Vortritt</translation>
    </message>
    <message>
        <source>not read</source>
        <translation>nicht lesen</translation>
    </message>
    <message>
        <source>scanned pages, and pictures added themselves</source>
        <translation>gescannte Seiten und einzeln hinzugefügte Bilder</translation>
    </message>
    <message>
        <source>also pictures in folders</source>
        <translation>auch Bilder in Ordnern</translation>
    </message>
    <message>
        <source>Languages of pictures</source>
        <translation>Sprachen der Bilder</translation>
    </message>
    <message>
        <source>Tesseract&apos;s names, as deu+eng; auto: English and the language of this system</source>
        <translation>Tesseracts Namen, etwa deu+eng; auto: Englisch und die Sprache dieses Systems</translation>
    </message>
    <message>
        <source>Weight of similarity</source>
        <translation>Gewicht der Ähnlichkeit</translation>
    </message>
    <message>
        <source>How much the passage most like the question counts before the others; 0: all alike</source>
        <translation>Wie viel mehr der Abschnitt zählt, der der Frage am ähnlichsten ist; 0: alle gleich</translation>
    </message>
    <message>
        <source>Reading</source>
        <translation>Lesen</translation>
    </message>
    <message>
        <source>Of files that are added from now on, or read again.</source>
        <translation>Von Dateien, die ab jetzt hinzukommen oder neu gelesen werden.</translation>
    </message>
    <message>
        <source>Open ZIP and tar archives</source>
        <translation>ZIP- und tar-Archive öffnen</translation>
    </message>
    <message>
        <source>Each archive becomes one document; nothing is unpacked to the disk</source>
        <translation>Jedes Archiv wird ein Dokument; nichts wird auf die Platte entpackt</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>Gerät</translation>
    </message>
    <message>
        <source>On the GPU</source>
        <translation>Auf der GPU</translation>
    </message>
    <message>
        <source>Kept there between questions, where a GPU is used</source>
        <translation>Bleibt dort zwischen Fragen, wo eine GPU benutzt wird</translation>
    </message>
    <message>
        <source>While answering</source>
        <translation>Beim Antworten</translation>
    </message>
    <message>
        <source>Of what the model holds in memory; a GPU keeps f16</source>
        <translation>Dessen, was das Modell im Speicher hält; eine GPU behält f16</translation>
    </message>
    <message>
        <source>bf16: the same size</source>
        <translation>bf16: gleich groß</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::SettingsPanel</name>
    <message>
        <source>Discard</source>
        <translation>Verwerfen</translation>
    </message>
    <message>
        <source>Models and settings</source>
        <translation>Modelle und Einstellungen</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>Modelle</translation>
    </message>
    <message>
        <source>Answers</source>
        <translation>Antworten</translation>
    </message>
    <message>
        <source>Computing</source>
        <translation>Rechnen</translation>
    </message>
    <message>
        <source>Memory and disk</source>
        <translation>Speicher und Platte</translation>
    </message>
    <message>
        <source>Appearance</source>
        <translation>Aussehen</translation>
    </message>
    <message>
        <source>Pages of settings</source>
        <translation>Seiten der Einstellungen</translation>
    </message>
    <message>
        <source>Looking what this would change …</source>
        <translation>Es wird geprüft, was sich ändert …</translation>
    </message>
    <message>
        <source>Apply</source>
        <translation>Anwenden</translation>
    </message>
    <message>
        <source>Apply and compute again</source>
        <translation>Anwenden und neu berechnen</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ShortcutsSheet</name>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>Tastenkürzel</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::SourcePanel</name>
    <message>
        <source>Previous</source>
        <translation>Zurück</translation>
    </message>
    <message>
        <source>Next</source>
        <translation>Weiter</translation>
    </message>
    <message>
        <source>Ask about the selection</source>
        <translation>Zur Auswahl fragen</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>Choose a source of an answer to read it here, at its place.</source>
        <translation>Eine Quelle einer Antwort wählen, um sie hier an ihrer Stelle zu lesen.</translation>
    </message>
    <message>
        <source>Previous passage</source>
        <translation>Voriger Abschnitt</translation>
    </message>
    <message>
        <source>Next passage</source>
        <translation>Nächster Abschnitt</translation>
    </message>
    <message>
        <source>Open in another program</source>
        <translation>In einem anderen Programm öffnen</translation>
    </message>
    <message>
        <source>Opens the file with the program your desktop has for it</source>
        <translation>Öffnet die Datei mit dem Programm, das der Rechner dafür hat</translation>
    </message>
    <message>
        <source>Puts the selected text into the question</source>
        <translation>Setzt den gewählten Text in die Frage</translation>
    </message>
    <message numerus="yes">
        <source>%n passage(s)</source>
        <translation>
            <numerusform>%n Abschnitt</numerusform>
            <numerusform>%n Abschnitte</numerusform>
        </translation>
    </message>
    <message>
        <source>Source %1 of %2 · %3</source>
        <translation>Quelle %1 von %2 · %3</translation>
    </message>
    <message>
        <source>This passage is no longer part of the document.</source>
        <translation>Dieser Abschnitt gehört nicht mehr zum Dokument.</translation>
    </message>
    <message>
        <source>No program could open %1. Choose one for its type in your desktop&apos;s settings.</source>
        <translation>Kein Programm konnte %1 öffnen. In den Einstellungen des Rechners eines für diese Art wählen.</translation>
    </message>
    <message>
        <source>Page</source>
        <translation>Seite</translation>
    </message>
    <message>
        <source>Show the page as it is printed</source>
        <translation>Die Seite zeigen, wie sie gedruckt ist</translation>
    </message>
    <message>
        <source>The page as it is printed, or its text</source>
        <translation>Die Seite, wie sie gedruckt ist, oder ihr Text</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::SourceView</name>
    <message>
        <source>Document</source>
        <translation>Dokument</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::StageLine</name>
    <message>
        <source>Time to the first token</source>
        <translation>Zeit bis zum ersten Token</translation>
    </message>
    <message>
        <source>Time to the first token: %1</source>
        <translation>Zeit bis zum ersten Token: %1</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::StageTable</name>
    <message>
        <source>Stage</source>
        <translation>Schritt</translation>
    </message>
    <message>
        <source>Begins (ms)</source>
        <translation>Beginnt (ms)</translation>
    </message>
    <message>
        <source>Takes (ms)</source>
        <translation>Dauert (ms)</translation>
    </message>
    <message>
        <source>Tokens</source>
        <translation>Token</translation>
    </message>
    <message>
        <source>Blocks</source>
        <translation>Blöcke</translation>
    </message>
    <message>
        <source>Bytes</source>
        <translation>Bytes</translation>
    </message>
    <message>
        <source>GB/s</source>
        <translation>GB/s</translation>
    </message>
    <message>
        <source>From</source>
        <translation>Von</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::StageWords</name>
    <message>
        <source>%1 tokens</source>
        <translation>%1 Token</translation>
    </message>
    <message>
        <source>%1 has no cache yet: reading %2.</source>
        <translation>%1 hat noch keinen Cache: %2 werden gelesen.</translation>
    </message>
    <message>
        <source>Some passages have no cache yet: reading %1.</source>
        <translation>Einige Abschnitte haben noch keinen Cache: %1 werden gelesen.</translation>
    </message>
    <message>
        <source>retrieve</source>
        <translation>suchen</translation>
    </message>
    <message>
        <source>load</source>
        <translation>laden</translation>
    </message>
    <message>
        <source>read what has no cache</source>
        <translation>Ungecachtes lesen</translation>
    </message>
    <message>
        <source>prefill</source>
        <translation>lesen</translation>
    </message>
    <message>
        <source>first token</source>
        <translation>erstes Token</translation>
    </message>
    <message>
        <source>%1 (now)</source>
        <translation>%1 (jetzt)</translation>
    </message>
    <message>
        <source>Waiting for its turn: something else is being answered or opened.</source>
        <translation>Wartet: etwas anderes wird beantwortet oder geöffnet.</translation>
    </message>
    <message>
        <source>Waiting until the indexing gives the processor away.</source>
        <translation>Wartet, bis das Einlesen den Prozessor abgibt.</translation>
    </message>
    <message>
        <source>Reading %1 without cache, as asked.</source>
        <translation>%1 werden ohne Cache gelesen, wie gewünscht.</translation>
    </message>
    <message>
        <source>Reading the stored caches from a slow disk.</source>
        <translation>Die Caches werden von einer langsamen Platte gelesen.</translation>
    </message>
    <message>
        <source>The model is reading %1 that no cache covers.</source>
        <translation>Das Modell liest %1, die kein Cache abdeckt.</translation>
    </message>
    <message>
        <source>The model is reading the question.</source>
        <translation>Das Modell liest die Frage.</translation>
    </message>
    <message>
        <source>Searching the documents.</source>
        <translation>Die Dokumente werden durchsucht.</translation>
    </message>
    <message>
        <source>Preparing the passages.</source>
        <translation>Die Abschnitte werden vorbereitet.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::StatusLine</name>
    <message>
        <source>, about %1 left</source>
        <translation>, noch etwa %1</translation>
    </message>
    <message>
        <source>Looking which files there are…</source>
        <translation>Es wird geschaut, welche Dateien es gibt…</translation>
    </message>
    <message>
        <source>%1/s</source>
        <translation>%1/s</translation>
    </message>
    <message>
        <source>%1 tokens/s</source>
        <translation>%1 Token/s</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>Pause</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Cache files on disk and their budget</source>
        <translation>Blöcke auf der Platte und ihre Obergrenze</translation>
    </message>
    <message>
        <source>Model and device</source>
        <translation>Modell und Gerät</translation>
    </message>
    <message>
        <source>Progress of indexing</source>
        <translation>Fortschritt des Einlesens</translation>
    </message>
    <message>
        <source>Memory of this program</source>
        <translation>Speicher dieses Programms</translation>
    </message>
    <message>
        <source>Memory %1</source>
        <translation>Speicher %1</translation>
    </message>
    <message>
        <source>Opening the library and the model…</source>
        <translation>Bibliothek und Modell werden geöffnet…</translation>
    </message>
    <message>
        <source>Not open</source>
        <translation>Nicht geöffnet</translation>
    </message>
    <message>
        <source>Answering</source>
        <translation>Antwortet</translation>
    </message>
    <message>
        <source>Idle</source>
        <translation>Bereit</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>Weiter</translation>
    </message>
    <message>
        <source>Paused. %1</source>
        <translation>Unterbrochen. %1</translation>
    </message>
    <message>
        <source>KV %1 of %2</source>
        <translation>KV %1 von %2</translation>
    </message>
    <message>
        <source>No model</source>
        <translation>Kein Modell</translation>
    </message>
    <message>
        <source>Indexing %1: file %2 of %3</source>
        <translation>Einlesen von %1: Datei %2 von %3</translation>
    </message>
    <message>
        <source>Caching: %1 of %2 tokens</source>
        <translation>Berechnen: %1 von %2 Token</translation>
    </message>
    <message>
        <source>Loading the model: %1 of %2</source>
        <translation>Das Modell wird geladen: %1 von %2</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::StripLegend</name>
    <message>
        <source>What the cells mean</source>
        <translation>Was die Felder bedeuten</translation>
    </message>
    <message>
        <source>memory</source>
        <translation>Speicher</translation>
    </message>
    <message>
        <source>disk</source>
        <translation>Platte</translation>
    </message>
    <message>
        <source>stale</source>
        <translation>veraltet</translation>
    </message>
    <message>
        <source>no block</source>
        <translation>kein Block</translation>
    </message>
    <message>
        <source>used</source>
        <translation>benutzt</translation>
    </message>
    <message>
        <source>missed</source>
        <translation>gefehlt</translation>
    </message>
    <message>
        <source>computed again</source>
        <translation>neu berechnet</translation>
    </message>
    <message>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::StripMap</name>
    <message>
        <source>Blocks of the selected document</source>
        <translation>Blöcke des gewählten Dokuments</translation>
    </message>
    <message>
        <source>The table below says the same for each block.</source>
        <translation>Die Tabelle darunter sagt dasselbe für jeden Block.</translation>
    </message>
    <message>
        <source>Passage %1</source>
        <translation>Abschnitt %1</translation>
    </message>
    <message>
        <source>no block: it is computed when a question needs it</source>
        <translation>kein Block: er wird berechnet, wenn eine Frage ihn braucht</translation>
    </message>
    <message numerus="yes">
        <source>%n token(s)</source>
        <translation>
            <numerusform>%n Token</numerusform>
            <numerusform>%n Token</numerusform>
        </translation>
    </message>
    <message>
        <source>in memory</source>
        <translation>im Speicher</translation>
    </message>
    <message>
        <source>on disk</source>
        <translation>auf der Platte</translation>
    </message>
    <message>
        <source>pinned</source>
        <translation>angeheftet</translation>
    </message>
    <message>
        <source>stale: made by another model or behind another prompt</source>
        <translation>veraltet: von einem anderen Modell oder hinter einer anderen Anweisung</translation>
    </message>
    <message>
        <source>damaged: set aside</source>
        <translation>beschädigt: beiseitegelegt</translation>
    </message>
    <message>
        <source>last answer: %1</source>
        <translation>letzte Antwort: %1</translation>
    </message>
    <message>
        <source>on the GPU</source>
        <translation>auf der GPU</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::TimingPanel</name>
    <message>
        <source>Looking for passages …</source>
        <translation>Abschnitte werden gesucht …</translation>
    </message>
    <message numerus="yes">
        <source>%n passage(s) found. Reading …</source>
        <translation>
            <numerusform>%n Abschnitt gefunden. Wird gelesen …</numerusform>
            <numerusform>%n Abschnitte gefunden. Werden gelesen …</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::TimingView</name>
    <message numerus="yes">
        <source>Last %n question(s)</source>
        <translation>
            <numerusform>Letzte Frage</numerusform>
            <numerusform>Letzte %n Fragen</numerusform>
        </translation>
    </message>
    <message>
        <source>Stages of this question</source>
        <translation>Schritte dieser Frage</translation>
    </message>
    <message>
        <source>All questions</source>
        <translation>Alle Fragen</translation>
    </message>
    <message>
        <source>Which numbers the table shows</source>
        <translation>Welche Zahlen die Tabelle zeigt</translation>
    </message>
    <message>
        <source>Copy as CSV</source>
        <translation>Als CSV kopieren</translation>
    </message>
    <message>
        <source>Timing table</source>
        <translation>Tabelle der Zeiten</translation>
    </message>
    <message>
        <source>Answering …</source>
        <translation>Antwortet …</translation>
    </message>
    <message>
        <source>Without caches, measured: every token was read again.</source>
        <translation>Ohne Caches, gemessen: jedes Token wurde neu gelesen.</translation>
    </message>
    <message>
        <source>%1 of %2 document tokens came from caches.</source>
        <translation>%1 von %2 Dokument-Token kamen aus Caches.</translation>
    </message>
    <message>
        <source>Then %1 tokens/s.</source>
        <translation>Danach %1 Token/s.</translation>
    </message>
    <message>
        <source>Stopped before the first token.</source>
        <translation>Vor dem ersten Token angehalten.</translation>
    </message>
    <message>
        <source>No passage fits the question: nothing was generated.</source>
        <translation>Kein Abschnitt passt zur Frage: Es wurde nichts erzeugt.</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::TtftCounter</name>
    <message>
        <source>time to first token</source>
        <translation>Zeit bis zum ersten Token</translation>
    </message>
    <message>
        <source>Ask a question to start the clock.</source>
        <translation>Eine Frage stellen, um die Uhr zu starten.</translation>
    </message>
    <message>
        <source>Time to first token</source>
        <translation>Zeit bis zum ersten Token</translation>
    </message>
    <message>
        <source>%1 s</source>
        <translation>%1 s</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::TurnWidget</name>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>Copies the answer with its numbered sources</source>
        <translation>Kopiert die Antwort mit ihren Quellen</translation>
    </message>
    <message>
        <source>Regenerate</source>
        <translation>Noch einmal</translation>
    </message>
    <message>
        <source>Asks the same question again</source>
        <translation>Stellt dieselbe Frage noch einmal</translation>
    </message>
    <message>
        <source>Edit and ask again</source>
        <translation>Ändern und neu fragen</translation>
    </message>
    <message>
        <source>Puts the question back into the field below</source>
        <translation>Setzt die Frage wieder in das Feld unten</translation>
    </message>
    <message>
        <source>Answer without cache</source>
        <translation>Ohne Cache antworten</translation>
    </message>
    <message>
        <source>Reads everything anew and measures how long that takes</source>
        <translation>Liest alles neu und misst, wie lange das dauert</translation>
    </message>
    <message>
        <source>Try other words, or put more documents in scope.</source>
        <translation>Andere Wörter versuchen oder mehr Dokumente einbeziehen.</translation>
    </message>
    <message>
        <source>What comes nearest is shown below, and was not read.</source>
        <translation>Was am nächsten kommt, steht darunter und wurde nicht gelesen.</translation>
    </message>
    <message>
        <source>Answer from these</source>
        <translation>Hieraus antworten</translation>
    </message>
    <message>
        <source>Asks again and reads these passages, although none seems to fit</source>
        <translation>Fragt noch einmal und liest diese Abschnitte, obwohl keiner zu passen scheint</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::VisibleText</name>
    <message>
        <source>image not shown</source>
        <translation>Bild nicht gezeigt</translation>
    </message>
</context>
<context>
    <name>kvlink::ui::Waterfall</name>
    <message>
        <source>Stages up to the first token</source>
        <translation>Schritte bis zum ersten Token</translation>
    </message>
    <message>
        <source>The table below has the same numbers.</source>
        <translation>Die Tabelle darunter hat dieselben Zahlen.</translation>
    </message>
    <message>
        <source>No question yet</source>
        <translation>Noch keine Frage</translation>
    </message>
</context>
<context>
    <name>main</name>
    <message>
        <source>Answers about your own documents, on this computer.</source>
        <translation>Antworten zu den eigenen Dokumenten, auf diesem Rechner.</translation>
    </message>
</context>
</TS>
