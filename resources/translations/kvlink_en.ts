<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>DocumentWords</name>
    <message numerus="yes">
        <source>%1 · %n passage(s)</source>
        <translation>
            <numerusform>%1 · %n passage</numerusform>
            <numerusform>%1 · %n passages</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%1 of %n passage(s) cached</source>
        <translation>
            <numerusform>%1 of %n passage cached</numerusform>
            <numerusform>%1 of %n passages cached</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n line(s)</source>
        <translation>
            <numerusform>%n line</numerusform>
            <numerusform>%n lines</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n paragraph(s)</source>
        <translation>
            <numerusform>%n paragraph</numerusform>
            <numerusform>%n paragraphs</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n page(s)</source>
        <translation>
            <numerusform>%n page</numerusform>
            <numerusform>%n pages</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n slide(s)</source>
        <translation>
            <numerusform>%n slide</numerusform>
            <numerusform>%n slides</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n sheet(s)</source>
        <translation>
            <numerusform>%n sheet</numerusform>
            <numerusform>%n sheets</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n chapter(s)</source>
        <translation>
            <numerusform>%n chapter</numerusform>
            <numerusform>%n chapters</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n message(s)</source>
        <translation>
            <numerusform>%n message</numerusform>
            <numerusform>%n messages</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n cell(s)</source>
        <translation>
            <numerusform>%n cell</numerusform>
            <numerusform>%n cells</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n file(s)</source>
        <translation>
            <numerusform>%n file</numerusform>
            <numerusform>%n files</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>DropWords</name>
    <message numerus="yes">
        <source>Add %n item(s)</source>
        <translation>
            <numerusform>Add %n item</numerusform>
            <numerusform>Add %n items</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source> (%n unsupported)</source>
        <translation>
            <numerusform> (%n unsupported)</numerusform>
            <numerusform> (%n unsupported)</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>Effect</name>
    <message numerus="yes">
        <source>%n block(s), %1 tokens, must be computed again: about %2 at the rate measured here.</source>
        <translation>
            <numerusform>%n block, %1 tokens, must be computed again: about %2 at the rate measured here.</numerusform>
            <numerusform>%n blocks, %1 tokens, must be computed again: about %2 at the rate measured here.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n block(s), %1 tokens, must be computed again: estimated %2.</source>
        <translation>
            <numerusform>%n block, %1 tokens, must be computed again: estimated %2.</numerusform>
            <numerusform>%n blocks, %1 tokens, must be computed again: estimated %2.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n block(s), %1 tokens, must be computed again; how long that takes was not measured yet.</source>
        <translation>
            <numerusform>%n block, %1 tokens, must be computed again; how long that takes was not measured yet.</numerusform>
            <numerusform>%n blocks, %1 tokens, must be computed again; how long that takes was not measured yet.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n passage(s) are read by the other embedder in the background; until it has read all, the one before finds them.</source>
        <translation>
            <numerusform>%n passage is read by the other embedder in the background; until it has read it, the one before finds it.</numerusform>
            <numerusform>%n passages are read by the other embedder in the background; until it has read all, the one before finds them.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>Quantities</name>
    <message numerus="yes">
        <source>%n minute(s) ago</source>
        <translation>
            <numerusform>%n minute ago</numerusform>
            <numerusform>%n minutes ago</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n hour(s) ago</source>
        <translation>
            <numerusform>%n hour ago</numerusform>
            <numerusform>%n hours ago</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n day(s) ago</source>
        <translation>
            <numerusform>%n day ago</numerusform>
            <numerusform>%n days ago</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>Timing</name>
    <message numerus="yes">
        <source>%n block(s)</source>
        <translation>
            <numerusform>%n block</numerusform>
            <numerusform>%n blocks</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n token(s)</source>
        <translation>
            <numerusform>%n token</numerusform>
            <numerusform>%n tokens</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::AnswerWords</name>
    <message numerus="yes">
        <source>%n passage(s)</source>
        <translation>
            <numerusform>%n passage</numerusform>
            <numerusform>%n passages</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s)</source>
        <translation>
            <numerusform>%n document</numerusform>
            <numerusform>%n documents</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::CacheBudgets</name>
    <message numerus="yes">
        <source>%n block(s)</source>
        <translation>
            <numerusform>%n block</numerusform>
            <numerusform>%n blocks</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n token(s)</source>
        <translation>
            <numerusform>%n token</numerusform>
            <numerusform>%n tokens</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n block(s) on the GPU</source>
        <translation>
            <numerusform>%n block on the GPU</numerusform>
            <numerusform>%n blocks on the GPU</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::CachePanel</name>
    <message numerus="yes">
        <source>%n block(s) pinned.</source>
        <translation>
            <numerusform>%n block pinned.</numerusform>
            <numerusform>%n blocks pinned.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n block(s) no longer pinned.</source>
        <translation>
            <numerusform>%n block no longer pinned.</numerusform>
            <numerusform>%n blocks no longer pinned.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n block(s) removed. Questions that need them compute them again.</source>
        <translation>
            <numerusform>%n block removed. Questions that need it compute it again.</numerusform>
            <numerusform>%n blocks removed. Questions that need them compute them again.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n block(s) checked.</source>
        <translation>
            <numerusform>%n block checked.</numerusform>
            <numerusform>%n blocks checked.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n is/are damaged and set aside.</source>
        <translation>
            <numerusform>%n is damaged and set aside.</numerusform>
            <numerusform>%n are damaged and set aside.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Computing the blocks of %n document(s) again …</source>
        <translation>
            <numerusform>Computing the blocks of %n document again …</numerusform>
            <numerusform>Computing the blocks of %n documents again …</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::CacheView</name>
    <message numerus="yes">
        <source>%n block(s) will be removed in %1 s: %2. Then only computing their %3 tokens again brings them back.</source>
        <translation>
            <numerusform>%n block will be removed in %1 s: %2. Then only computing their %3 tokens again brings it back.</numerusform>
            <numerusform>%n blocks will be removed in %1 s: %2. Then only computing their %3 tokens again brings them back.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ConversationView</name>
    <message numerus="yes">
        <source>Show %n earlier question(s)</source>
        <translation>
            <numerusform>Show %n earlier question</numerusform>
            <numerusform>Show %n earlier questions</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::DocumentStrip</name>
    <message numerus="yes">
        <source>%1: %2 of %n passage(s) have a block.</source>
        <translation>
            <numerusform>%1: %2 of %n passage has a block.</numerusform>
            <numerusform>%1: %2 of %n passages have a block.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::FollowedFolders</name>
    <message numerus="yes">
        <source>%n folder(s) are beyond the system&apos;s limit of what can be watched (fs.inotify.max_user_watches): they are looked at once a minute.</source>
        <translation>
            <numerusform>%n folder is beyond the system&apos;s limit of what can be watched (fs.inotify.max_user_watches): it is looked at once a minute.</numerusform>
            <numerusform>%n folders are beyond the system&apos;s limit of what can be watched (fs.inotify.max_user_watches): they are looked at once a minute.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::LibraryModel</name>
    <message numerus="yes">
        <source>Collection %1, %n document(s)</source>
        <translation>
            <numerusform>Collection %1, %n document</numerusform>
            <numerusform>Collection %1, %n documents</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::LibraryPanel</name>
    <message numerus="yes">
        <source>%n file(s) are of a kind that cannot be read yet.</source>
        <translation>
            <numerusform>%n file is of a kind that cannot be read yet.</numerusform>
            <numerusform>%n files are of a kind that cannot be read yet.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s)</source>
        <translation>
            <numerusform>%n document</numerusform>
            <numerusform>%n documents</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n block(s) are in memory, as far as its budget goes.</source>
        <translation>
            <numerusform>%n block is in memory, as far as its budget goes.</numerusform>
            <numerusform>%n blocks are in memory, as far as its budget goes.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n passage(s) have none yet.</source>
        <translation>
            <numerusform>%n passage has none yet.</numerusform>
            <numerusform>%n passages have none yet.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::MainWindow</name>
    <message numerus="yes">
        <source>%n address(es) of the network left out: KVLink never fetches anything.</source>
        <translation>
            <numerusform>%n address of the network left out: KVLink never fetches anything.</numerusform>
            <numerusform>%n addresses of the network left out: KVLink never fetches anything.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s) were removed.</source>
        <translation>
            <numerusform>%n document was removed.</numerusform>
            <numerusform>%n documents were removed.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n file(s) could not be read. The first: </source>
        <translation>
            <numerusform>%n file could not be read. The first: </numerusform>
            <numerusform>%n files could not be read. The first: </numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s) added or updated</source>
        <translation>
            <numerusform>%n document added or updated</numerusform>
            <numerusform>%n documents added or updated</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>over %1 of %n document(s)</source>
        <translation>
            <numerusform>over %1 of %n document</numerusform>
            <numerusform>over %1 of %n documents</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s)</source>
        <translation>
            <numerusform>%n document</numerusform>
            <numerusform>%n documents</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s) are ignored until they change.</source>
        <translation>
            <numerusform>%n document is ignored until it changes.</numerusform>
            <numerusform>%n documents are ignored until they change.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n block(s) computed</source>
        <translation>
            <numerusform>%n block computed</numerusform>
            <numerusform>%n blocks computed</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::PassageList</name>
    <message numerus="yes">
        <source>Show %n more passage(s)</source>
        <translation>
            <numerusform>Show %n more passage</numerusform>
            <numerusform>Show %n more passages</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::PreScanCard</name>
    <message numerus="yes">
        <source>Looking into %n place(s)…</source>
        <translation>
            <numerusform>Looking into %n place…</numerusform>
            <numerusform>Looking into %n places…</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n more file(s) of other types.</source>
        <translation>
            <numerusform>%n more file of other types.</numerusform>
            <numerusform>%n more files of other types.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n file(s) of other kinds stay out: %1.</source>
        <translation>
            <numerusform>%n file of another kind stays out: %1.</numerusform>
            <numerusform>%n files of other kinds stay out: %1.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n hidden name(s) stay out.</source>
        <translation>
            <numerusform>%n hidden name stays out.</numerusform>
            <numerusform>%n hidden names stay out.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n link(s) to other folders are not followed.</source>
        <translation>
            <numerusform>%n link to another folder is not followed.</numerusform>
            <numerusform>%n links to other folders are not followed.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Add %n file(s)?</source>
        <translation>
            <numerusform>Add %n file?</numerusform>
            <numerusform>Add %n files?</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ProblemBar</name>
    <message numerus="yes">
        <source>%n document(s) could not be read and are ignored.</source>
        <translation>
            <numerusform>%n document could not be read and is ignored.</numerusform>
            <numerusform>%n documents could not be read and are ignored.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s) need a password.</source>
        <translation>
            <numerusform>%n document needs a password.</numerusform>
            <numerusform>%n documents need a password.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s) have pictures that were not read.</source>
        <translation>
            <numerusform>%n document has pictures that were not read.</numerusform>
            <numerusform>%n documents have pictures that were not read.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s) could not be read.</source>
        <translation>
            <numerusform>%n document could not be read.</numerusform>
            <numerusform>%n documents could not be read.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n document(s) could not be read wholly.</source>
        <translation>
            <numerusform>%n document could not be read wholly.</numerusform>
            <numerusform>%n documents could not be read wholly.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::ReadAheadWords</name>
    <message numerus="yes">
        <source>%n block(s), %1, read ahead while you typed: %2 from disk then, %3 from memory after Enter.</source>
        <translation>
            <numerusform>%n block, %1, read ahead while you typed: %2 from disk then, %3 from memory after Enter.</numerusform>
            <numerusform>%n blocks, %1, read ahead while you typed: %2 from disk then, %3 from memory after Enter.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::SourcePanel</name>
    <message numerus="yes">
        <source>%n passage(s)</source>
        <translation>
            <numerusform>%n passage</numerusform>
            <numerusform>%n passages</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::StripMap</name>
    <message numerus="yes">
        <source>%n token(s)</source>
        <translation>
            <numerusform>%n token</numerusform>
            <numerusform>%n tokens</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::TimingPanel</name>
    <message numerus="yes">
        <source>%n passage(s) found. Reading …</source>
        <translation>
            <numerusform>%n passage found. Reading …</numerusform>
            <numerusform>%n passages found. Reading …</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>kvlink::ui::TimingView</name>
    <message numerus="yes">
        <source>Last %n question(s)</source>
        <translation>
            <numerusform>Last %n question</numerusform>
            <numerusform>Last %n questions</numerusform>
        </translation>
    </message>
</context>
</TS>
