// SPDX-License-Identifier: Apache-2.0
// Every format: what is read in it, where it stands, and what is said about files that lie.
#include "app/extract/readers.h"

#include <gtest/gtest.h>

#include <string>

#include "app/extract/serve.h"
#include "app/extract/xlsx_reader.h"
#include "tests/retrieval/zip_writer.h"

namespace kvlink::extract {
namespace {

using retrieval::PlaceKind;
using retrieval::ReadProblem;
using retrieval::tests::ZipWriter;

ParsedDocument read(const std::string& name, const std::string& bytes) {
  retrieval::ReadRequest request;
  request.file_name = name;
  return read_document(bytes, request).document;
}

std::string text_of(const ParsedDocument& document) {
  std::string text;
  for (const auto& block : document.blocks) text += block.text + "\n";
  return text;
}

ReadProblem problem_with(const std::string& name, const std::string& bytes) {
  try {
    read(name, bytes);
  } catch (const Unreadable& e) {
    EXPECT_NE(std::string(e.what()), "");
    return e.problem();
  } catch (const Exception& e) {
    return e.error().code == ErrorCode::kUnsupported ? ReadProblem::kUnsupported
                                                     : ReadProblem::kNoText;
  }
  return ReadProblem::kNone;
}

std::string relations(const std::string& rows) {
  return "<?xml version=\"1.0\"?><Relationships>" + rows + "</Relationships>";
}

std::string relation(const std::string& id, const std::string& type, const std::string& target) {
  return "<Relationship Id=\"" + id + "\" Type=\"http://x/" + type + "\" Target=\"" + target +
         "\"/>";
}

ZipWriter docx(const std::string& body) {
  ZipWriter zip;
  zip.add("_rels/.rels", relations(relation("r1", "officeDocument", "word/document.xml")));
  zip.add("word/_rels/document.xml.rels", relations(relation("r1", "styles", "styles.xml")));
  zip.add("word/styles.xml",
          "<styles><style styleId=\"H1\"><name val=\"heading 1\"/></style></styles>");
  zip.add("word/document.xml",
          "<w:document xmlns:w=\"w\" xmlns:mc=\"m\"><w:body>" + body + "</w:body></w:document>");
  return zip;
}

std::string word_paragraph(const std::string& text, const std::string& style = "") {
  return "<w:p><w:pPr>" + (style.empty() ? "" : "<w:pStyle w:val=\"" + style + "\"/>") +
         "</w:pPr><w:r><w:t>" + text + "</w:t></w:r></w:p>";
}

TEST(Readers, ReadHtmlWithoutItsFurniture) {
  const auto document =
      read("page.html",
           "<!doctype html><title>A page</title><nav>Home</nav><script>x()</script><h2>Cats</h2>"
           "<p>They <b>purr</b>.<ul><li>one<ul><li>inner</li></ul></li></ul>"
           "<table><tr><th>a</th><th>b</th></tr><tr><td>1|2</td><td>3</td></tr></table>"
           "<pre>a\n  b</pre><div hidden>secret</div><footer>end</footer>");
  EXPECT_EQ(document.title, "A page");
  EXPECT_EQ(document.media_type, "text/html");
  EXPECT_EQ(text_of(document),
            "Cats\nThey purr.\n- one\n  - inner\n| a | b |\n| 1\\|2 | 3 |\na\n  b\n");
  EXPECT_EQ(document.blocks[0].level, 2);
  EXPECT_EQ(document.blocks[4].type, BlockType::kTable);
}

TEST(Readers, ReadWordInTheOrderOfItsBody) {
  const std::string table = "<w:tbl><w:tr><w:tc>" + word_paragraph("name") + "</w:tc><w:tc>" +
                            word_paragraph("age") + "</w:tc></w:tr><w:tr><w:tc>" +
                            word_paragraph("Ann") + "</w:tc><w:tc>" + word_paragraph("7") +
                            "</w:tc></w:tr></w:tbl>";
  const std::string item =
      "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"1\"/><w:numId w:val=\"3\"/></w:numPr></w:pPr>"
      "<w:r><w:t>item</w:t></w:r></w:p>";
  const auto document =
      read("report.docx",
           docx(word_paragraph("Aims", "H1") + word_paragraph("First.") + table + item +
                "<w:p><w:r><w:delText>gone</w:delText></w:r><w:r><w:t>kept</w:t></w:r></w:p>")
               .finish());
  EXPECT_EQ(text_of(document), "Aims\nFirst.\n| name | age |\n| Ann | 7 |\n  - item\nkept\n");
  EXPECT_EQ(document.blocks[0].type, BlockType::kHeading);
  EXPECT_EQ(document.title, "Aims");
  EXPECT_EQ(document.blocks[2].level, 1) << "the first row names the columns";
}

TEST(Readers, ReadTheFormulasOfWord) {
  const auto document = read(
      "physics.docx",
      docx(
          "<w:p><w:r><w:t>The angle is </w:t></w:r><m:oMath xmlns:m=\"f\"><m:r><m:t>θ=</m:t></m:r>"
          "<m:f><m:num><m:r><m:t>mλ</m:t></m:r></m:num><m:den><m:r><m:t>a</m:t></m:r></m:den></m:f>"
          "</m:oMath><w:r><w:t>.</w:t></w:r></w:p>")
          .finish());
  EXPECT_EQ(text_of(document), "The angle is $θ=\\frac{mλ}{a}$.\n");
}

TEST(Readers, KnowAFormatByItsContent) {
  const std::string bytes = docx(word_paragraph("Words.")).finish();
  EXPECT_EQ(text_of(read("notes.txt", bytes)), "Words.\n");
  EXPECT_EQ(problem_with("report.docx", std::string("\x89PNG\r\n\x1a\n\0\0", 10)),
            ReadProblem::kNeedsOcr);
  EXPECT_EQ(problem_with("a.md", std::string("\0\1\2\3", 4)), ReadProblem::kUnsupported);
  EXPECT_EQ(read("page.txt", "<!DOCTYPE html><p>Hello there.").media_type, "text/html");
}

TEST(Readers, ReadSlidesWithTheirNotes) {
  const auto shape = [](const std::string& kind, int y, const std::string& text) {
    return "<p:sp><p:nvPr><p:ph type=\"" + kind + "\"/></p:nvPr><a:off x=\"0\" y=\"" +
           std::to_string(y) + "\"/><a:p><a:r><a:t>" + text + "</a:t></a:r></a:p></p:sp>";
  };
  ZipWriter zip;
  zip.add("_rels/.rels", relations(relation("r1", "officeDocument", "ppt/presentation.xml")));
  zip.add("ppt/presentation.xml",
          "<p:p xmlns:p=\"p\" xmlns:r=\"r\"><p:sldId id=\"1\" r:id=\"b\"/><p:sldId r:id=\"a\"/>"
          "</p:p>");
  zip.add("ppt/_rels/presentation.xml.rels",
          relations(relation("a", "slide", "slides/slide1.xml") +
                    relation("b", "slide", "slides/slide2.xml")));
  const std::string head = "<s xmlns:p=\"p\" xmlns:a=\"a\">";
  zip.add("ppt/slides/slide1.xml", head + shape("body", 9, "Last words") + "</s>");
  zip.add("ppt/slides/slide2.xml", head + shape("", 20, "below") + shape("sldNum", 1, "12") +
                                       shape("", 10, "above") + shape("title", 30, "Plan") +
                                       "</s>");
  zip.add("ppt/slides/_rels/slide2.xml.rels",
          relations(relation("n", "notesSlide", "../notesSlides/n.xml") +
                    relation("c", "chart", "../charts/c.xml")));
  zip.add("ppt/charts/c.xml",
          "<c xmlns:c=\"c\"><c:ser><c:tx><c:v>Sales</c:v></c:tx><c:cat><c:v>May</c:v></c:cat>"
          "<c:val><c:v>7</c:v></c:val></c:ser></c>");
  zip.add("ppt/notesSlides/n.xml", head + shape("body", 0, "say hello") + "</s>");
  const auto document = read("talk.pptx", zip.finish());
  EXPECT_EQ(text_of(document),
            "Plan\nabove\nbelow\n|  | Sales |\n| May | 7 |\nNotes\nsay hello\nLast words\n");
  EXPECT_EQ(document.blocks.front().place.kind, PlaceKind::kSlide);
  EXPECT_EQ(document.blocks.front().place.number, 1);
  EXPECT_EQ(document.blocks.back().place.number, 2);
}

TEST(Readers, ReadSheetsWithTheirRowNumbers) {
  ZipWriter zip;
  zip.add("_rels/.rels", relations(relation("r1", "officeDocument", "xl/workbook.xml")));
  zip.add("xl/workbook.xml",
          "<w xmlns:r=\"r\"><sheet name=\"Costs\" sheetId=\"1\" r:id=\"s\"/></w>");
  zip.add("xl/_rels/workbook.xml.rels",
          relations(relation("s", "worksheet", "worksheets/sheet1.xml") +
                    relation("t", "sharedStrings", "sharedStrings.xml") +
                    relation("y", "styles", "styles.xml")));
  zip.add("xl/sharedStrings.xml", "<sst><si><t>day</t></si><si><t>sum</t></si></sst>");
  zip.add("xl/styles.xml", "<s><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></s>");
  zip.add("xl/worksheets/sheet1.xml",
          "<sheet><row r=\"3\"><c r=\"B3\" t=\"s\"><v>0</v></c><c r=\"D3\" t=\"s\"><v>1</v></c>"
          "</row><row r=\"4\"><c r=\"B4\" s=\"1\"><v>45352</v></c><c r=\"D4\"><v>12.5</v></c></row>"
          "<row r=\"9\"><c r=\"B9\" t=\"inlineStr\"><is><t>end</t></is></c></row></sheet>");
  const auto document = read("costs.xlsx", zip.finish());
  EXPECT_EQ(text_of(document), "Costs\n| day | sum |\n| 2024-03-01 | 12.5 |\n| end |  |\n");
  EXPECT_EQ(document.blocks[1].line_begin, 3);
  EXPECT_EQ(document.blocks[1].line_end, 4);
  EXPECT_EQ(document.blocks[2].line_begin, 9);
  EXPECT_EQ(document.blocks[1].place.label, "Costs");
  EXPECT_EQ(document.blocks[1].level, 1);
}

TEST(Readers, KnowTheDaysOfSpreadsheets) {
  EXPECT_EQ(date_of_serial(1, false), "1900-01-01");
  EXPECT_EQ(date_of_serial(61, false), "1900-03-01");
  EXPECT_EQ(date_of_serial(45351.5, false), "2024-02-29 12:00");
  EXPECT_EQ(date_of_serial(1, true), "1904-01-02");
  EXPECT_EQ(date_of_serial(-3, false), "");
  EXPECT_EQ(date_of_serial(1e300, false), "");
}

TEST(Readers, ReadOpenDocument) {
  const auto odt = ZipWriter()
                       .add("mimetype", "application/vnd.oasis.opendocument.text")
                       .add("content.xml",
                            "<d xmlns:t=\"t\"><t:h t:outline-level=\"2\">Head</t:h><t:p>One<t:s "
                            "t:c=\"2\"/>two<annotation><t:p>no</t:p></annotation></t:p>"
                            "<t:list><t:list-item><t:p>item</t:p></t:list-item></t:list></d>")
                       .finish();
  EXPECT_EQ(text_of(read("a.odt", odt)), "Head\nOne two\n- item\n");
  const auto ods =
      ZipWriter()
          .add("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
          .add("content.xml",
               "<d xmlns:t=\"t\"><t:table t:name=\"S\"><t:table-row t:number-rows-repeated=\"5\">"
               "<t:table-cell t:number-columns-repeated=\"16000\"/></t:table-row><t:table-row>"
               "<t:table-cell><t:p>x</t:p></t:table-cell><t:table-cell "
               "t:number-columns-repeated=\"2\"><t:p>7</t:p></t:table-cell></t:table-row>"
               "</t:table></d>")
          .finish();
  const auto sheet = read("a.ods", ods);
  EXPECT_EQ(text_of(sheet), "S\n| x | 7 | 7 |\n");
  EXPECT_EQ(sheet.blocks[1].line_begin, 6);
}

TEST(Readers, ReadBooksInTheOrderOfTheirSpine) {
  const auto book =
      ZipWriter()
          .add("mimetype", "application/epub+zip")
          .add("META-INF/container.xml", "<c><rootfile full-path=\"O/b.opf\"/></c>")
          .add("O/b.opf",
               "<p xmlns:dc=\"d\"><dc:title>Whales</dc:title><item id=\"1\" href=\"t%201.html\"/>"
               "<item id=\"2\" href=\"two.html\"/><itemref idref=\"2\"/><itemref idref=\"1\"/></p>")
          .add("O/t 1.html", "<h1>One</h1><p>first")
          .add("O/two.html", "<h1>Two</h1><p>second")
          .finish();
  const auto document = read("whales.epub", book);
  EXPECT_EQ(document.title, "Whales");
  EXPECT_EQ(text_of(document), "Two\nsecond\nOne\nfirst\n");
  EXPECT_EQ(document.blocks[3].place.kind, PlaceKind::kChapter);
  EXPECT_EQ(document.blocks[3].place.number, 2);
}

TEST(Readers, ReadTablesAsText) {
  const auto document = read("a.csv", "name;note\nAnn;\"likes; \"\"tea\"\"\"\n\nBob;7\n");
  EXPECT_EQ(text_of(document), "| name | note |\n| Ann | likes; \"tea\" |\n| Bob | 7 |\n");
  EXPECT_EQ(document.blocks[1].line_begin, 4);
  EXPECT_EQ(text_of(read("a.tsv", "a\tb,c\n1\t2\n")), "| a | b,c |\n| 1 | 2 |\n");
  EXPECT_EQ(text_of(read("open.csv", "a,\"never closed\n1,2\n")),
            "| a | \"never closed |\n| 1 | 2 |\n");
}

TEST(Readers, ReadRecords) {
  EXPECT_EQ(text_of(read("a.json", R"({"name":"Ann","pets":[{"kind":"cat"},"dog"],"n":1.50})")),
            "name: Ann\npets:\nkind: cat\ndog\nn: 1.50\n");
  EXPECT_EQ(text_of(read("a.jsonl", "{\"a\":1}\nnot json\n{\"a\":2}\n")), "a: 1\nnot json\na: 2\n");
  EXPECT_EQ(problem_with("a.json", "{\"a\":"), ReadProblem::kDamaged);
  EXPECT_EQ(problem_with("a.json", std::string(100000, '[')), ReadProblem::kDamaged);
}

TEST(Readers, ReadNotebooks) {
  const auto document =
      read("a.ipynb", R"json({"cells":[{"cell_type":"markdown","source":["# Head\n","words"]},
           {"cell_type":"code","source":"print(1)","outputs":[{"text":["1\n"]}]}],
           "metadata":{}})json");
  EXPECT_EQ(text_of(document), "Head\nwords\nprint(1)\n1\n");
  EXPECT_EQ(document.blocks[2].type, BlockType::kCode);
  EXPECT_EQ(document.blocks[2].place.number, 2);
}

TEST(Readers, ReadSubtitles) {
  const auto document = read("film.srt",
                             "1\n00:00:01,000 --> 00:00:02,000\n<i>Hello</i>\nthere.\n\n"
                             "2\n00:01:31,000 --> 00:01:32,000\nLater\n");
  EXPECT_EQ(text_of(document), "Hello there.\nLater\n");
  EXPECT_EQ(document.blocks[1].place.kind, PlaceKind::kMoment);
  EXPECT_EQ(document.blocks[1].place.number, 91);
}

TEST(Readers, ReadRichText) {
  const auto document = read(
      "a.rtf",
      R"({\rtf1\ansi\ansicpg1251{\fonttbl{\f0 Arial;}}{\*\generator x;}\outlinelevel0 Head\par)"
      R"(\pard caf\'e9? \u8364?\emdash\par {\trowd\intbl a\cell b\cell\row}\pard end\par})");
  EXPECT_EQ(text_of(document), "Head\ncaf\u0439? \u20AC\u2014\n| a | b |\nend\n");
  EXPECT_EQ(document.blocks[0].type, BlockType::kHeading);
}

TEST(Readers, ReadMessages) {
  const auto document = read(
      "a.eml",
      "From: =?utf-8?Q?J=C3=BCrgen?= <j@x>\r\nSubject: Plans\r\nMIME-Version: 1.0\r\n"
      "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n"
      "Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\nContent-Type: text/plain;"
      " charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe=\r\n"
      "!\r\n--c\r\nContent-Type: text/html\r\n\r\n<p>no</p>\r\n--c--\r\n--b\r\n"
      "Content-Disposition: attachment; filename=\"plan.pdf\"\r\n\r\nxxxx\r\n--b--\r\n");
  EXPECT_EQ(document.title, "Plans");
  EXPECT_EQ(text_of(document),
            "From: J\u00FCrgen <j@x>\nSubject: Plans\nGr\u00FC\u00DFe!\n"
            "- Attachment: plan.pdf\n");
}

TEST(Readers, ReadMailboxes) {
  const auto document =
      read("all.mbox",
           "From a Mon\nFrom: a\nSubject: s1\n\none\n\nFrom b Tue\nSubject: s2\n\n"
           "two\n");
  EXPECT_EQ(text_of(document), "From: a\nSubject: s1\none\nSubject: s2\ntwo\n");
  EXPECT_EQ(document.blocks.back().place.number, 2);
}

TEST(Readers, ReadMarkupWithItsHeadings) {
  const auto rst =
      read("a.rst", "=====\nTitle\n=====\n\nWords\nmore.\n\nPart\n----\n\n::\n\n  code\n");
  EXPECT_EQ(rst.title, "Title");
  EXPECT_EQ(rst.blocks[2].text, "Part");
  EXPECT_EQ(rst.blocks[2].level, 2);
  EXPECT_EQ(rst.blocks[2].line_begin, 8);
  EXPECT_EQ(rst.blocks.back().type, BlockType::kCode);
  const auto org = read("a.org", "* Head\ntext\n** Sub\n#+BEGIN_SRC c\nint x;\n#+END_SRC\n");
  EXPECT_EQ(text_of(org), "Head\ntext\nSub\nint x;\n");
  const auto adoc = read("a.adoc", "= Doc\n\n== Part\n\n----\ncode\n----\n");
  EXPECT_EQ(text_of(adoc), "Doc\nPart\ncode\n");
  const auto source = read("a.cpp", "int f();\n\nint g();\n");
  ASSERT_EQ(source.blocks.size(), 2u);
  EXPECT_EQ(source.blocks[1].type, BlockType::kCode);
  EXPECT_EQ(source.blocks[1].line_begin, 3);
}

TEST(Readers, ReadTextInAnyEncoding) {
  const auto latin = read("a.txt",
                          "Die Stra\xDF"
                          "e f\xFChrt \xFC"
                          "ber die Br\xFC"
                          "cke nach K\xF6ln.\n");
  EXPECT_EQ(text_of(latin),
            "Die Stra\u00DFe f\u00FChrt \u00FC"
            "ber die Br\u00FC"
            "cke nach K\u00F6ln.\n");
  EXPECT_NE(latin.media_type.find("charset="), std::string::npos);
  EXPECT_EQ(text_of(read("b.txt", std::string("\xFF\xFE"
                                              "h\0i\0",
                                              6))),
            "hi\n");
  EXPECT_EQ(text_of(read("c.txt", std::string("\xFF\xFE\0\0h\0\0\0i\0\0\0", 12))), "hi\n");
}

TEST(Readers, SayWhatIsWrongWithHostileContainers) {
  const std::string good = docx(word_paragraph("Words.")).finish();
  EXPECT_EQ(problem_with("a.docx", good.substr(0, good.size() / 2)), ReadProblem::kDamaged);
  EXPECT_EQ(problem_with("a.docx", ""), ReadProblem::kNoText);
  EXPECT_EQ(problem_with("a.docx", docx("<w:p>").finish()), ReadProblem::kDamaged);
  EXPECT_EQ(problem_with("a.docx", docx("").finish()), ReadProblem::kNoText);
  auto encrypted = docx("");
  encrypted.add_lying("word/footnotes.xml", "x", {.flags = 1});
  ZipWriter locked;
  locked.add_lying("_rels/.rels", "x", {.flags = 1});
  EXPECT_EQ(problem_with("a.docx", locked.finish()), ReadProblem::kNeedsPassword);
  ZipWriter wrong_sum;
  wrong_sum.add_lying("_rels/.rels", "<x/>", {.crc_change = 1});
  EXPECT_EQ(problem_with("a.docx", wrong_sum.finish()), ReadProblem::kDamaged);
  ZipWriter huge;
  huge.add_lying("_rels/.rels", "xx", {.method = 8, .unpacked = 0xFFFFFFF0});
  EXPECT_EQ(problem_with("a.docx", huge.finish()), ReadProblem::kTooLarge);
  ZipWriter overlapping;
  overlapping.add("a", std::string(100, 'x')).add_lying("b", "yy", {.offset = 10});
  EXPECT_EQ(problem_with("a.docx", overlapping.finish()), ReadProblem::kDamaged);
  EXPECT_EQ(problem_with("a.zip", ZipWriter().add("a.txt", "x").finish()),
            ReadProblem::kUnsupported);
}

TEST(Readers, CountWhatASheetRepeats) {
  const auto sheet = [](const std::string& rows) {
    return ZipWriter()
        .add("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        .add("content.xml", "<x xmlns:t=\"t\"><t:table t:name=\"S\">" + rows + "</t:table></x>")
        .finish();
  };
  const auto row = [](int n_rows, int n_columns) {
    return "<t:table-row t:number-rows-repeated=\"" + std::to_string(n_rows) +
           "\"><t:table-cell t:number-columns-repeated=\"" + std::to_string(n_columns) +
           "\"><p>x</p></t:table-cell></t:table-row>";
  };
  EXPECT_EQ(text_of(read("a.ods", sheet(row(2, 3)))), "S\n| x | x | x |\n| x | x | x |\n");
  // Two hundred bytes that stand for a million cells, three times.
  const auto much = read("a.ods", sheet(row(1000, 1000) + row(1000, 1000) + row(1000, 1000)));
  ASSERT_EQ(much.notices.size(), 1U);
  EXPECT_EQ(much.notices[0], "a table repeats cells more often than is read");
  EXPECT_LT(text_of(much).size(), 200'000U);
}

TEST(Readers, RefuseXmlThatDefinesEntities) {
  ZipWriter zip;
  zip.add("_rels/.rels", relations(relation("r1", "officeDocument", "word/document.xml")));
  std::string bomb = "<!DOCTYPE x [<!ENTITY a0 \"aaaaaaaaaa\">";
  for (int i = 1; i < 10; ++i) {
    bomb += "<!ENTITY a" + std::to_string(i) + " \"";
    for (int j = 0; j < 10; ++j) bomb += "&a" + std::to_string(i - 1) + ";";
    bomb += "\">";
  }
  zip.add("word/document.xml", bomb + "]><x>&a9;</x>");
  EXPECT_EQ(problem_with("a.docx", zip.finish()), ReadProblem::kDamaged);
}

TEST(Readers, RefuseXmlThatIsNestedTooDeeply) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "<w:x>";
  EXPECT_EQ(problem_with("a.docx", docx(deep).finish()), ReadProblem::kTooLarge);
}

TEST(Readers, SurviveDeepPages) {
  std::string deep = "<html><body>";
  for (int i = 0; i < 20'000; ++i) deep += "<div>";
  const auto document = read("a.html", deep + "bottom");
  EXPECT_EQ(text_of(document), "bottom\n");
}

TEST(Readers, NameWhatIsNotRead) {
  const std::string ole("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 8);
  EXPECT_EQ(problem_with("a.doc", ole + std::string(100, 'x')), ReadProblem::kUnsupported);
  EXPECT_EQ(problem_with("a.docx",
                         ole + std::string("E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0", 32)),
            ReadProblem::kNeedsPassword);
  EXPECT_EQ(problem_with("a.pdf", "%PDF-1.4 nothing more"), ReadProblem::kDamaged);
}

}  // namespace
}  // namespace kvlink::extract
