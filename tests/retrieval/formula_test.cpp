// SPDX-License-Identifier: Apache-2.0
// Formulas of Office documents as LaTeX.
#include <gtest/gtest.h>

#include <string>

#include "app/extract/formula_reader.h"

namespace kvlink::extract {
namespace {

/// Collects formulas as the readers of Word and PowerPoint files do.
class Formulas final : public XmlListener {
 public:
  void begin(std::string_view name, const XmlAttributes& attributes) override {
    if (formula_.is_open() || FormulaReader::is_formula(name)) formula_.begin(name, attributes);
  }
  void end(std::string_view name) override {
    if (!formula_.is_open()) return;
    formula_.end(name);
    if (!formula_.is_open()) read += formula_.take();
  }
  void text(std::string_view text) override {
    if (formula_.is_open()) formula_.text(text);
  }

  std::string read;

 private:
  FormulaReader formula_;
};

std::string latex(const std::string& formula, const std::string& around = "oMath") {
  Formulas formulas;
  walk_xml("<x xmlns:m=\"m\"><m:" + around + ">" + formula + "</m:" + around + "></x>", formulas);
  return formulas.read;
}

std::string run(const std::string& text) { return "<m:r><m:t>" + text + "</m:t></m:r>"; }

std::string part(const std::string& name, const std::string& inside) {
  return "<m:" + name + ">" + inside + "</m:" + name + ">";
}

TEST(Formula, KeepsWhatIsAboveAndBelowAFraction) {
  EXPECT_EQ(latex(run("x=") + part("f", part("fPr", "<m:type m:val=\"bar\"/>") +
                                            part("num", run("mλ")) + part("den", run("a")))),
            "$x=\\frac{mλ}{a}$");
}

TEST(Formula, KeepsPowersAndIndices) {
  EXPECT_EQ(latex(part("sSup", part("e", run("10")) + part("sup", run("-6")))), "$10^{-6}$");
  EXPECT_EQ(
      latex(part("sSubSup", part("e", run("x")) + part("sub", run("i")) + part("sup", run("2")))),
      "$x_{i}^{2}$");
  EXPECT_EQ(latex(part("limLow", part("e", run("lim")) + part("lim", run("n→∞")))), "$lim_{n→∞}$");
}

TEST(Formula, KnowsRootsWithAndWithoutDegree) {
  EXPECT_EQ(latex(part("rad", part("radPr", "<m:degHide m:val=\"1\"/>") + part("deg", "") +
                                  part("e", run("2")))),
            "$\\sqrt{2}$");
  EXPECT_EQ(latex(part("rad", part("deg", run("3")) + part("e", run("8")))), "$\\sqrt[3]{8}$");
}

TEST(Formula, PutsBracketsAroundWhatTheyHold) {
  EXPECT_EQ(latex(part("d", part("e", run("a")))), "$\\left(a\\right)$");
  EXPECT_EQ(latex(part("d", part("dPr",
                                 "<m:begChr m:val=\"{\"/><m:sepChr m:val=\",\"/>"
                                 "<m:endChr m:val=\"\"/>") +
                                part("e", run("a")) + part("e", run("b")))),
            "$\\left\\{a,b\\right.$");
}

TEST(Formula, WritesSumsWithTheirLimits) {
  EXPECT_EQ(latex(part("nary", part("naryPr", "<m:chr m:val=\"∑\"/>") + part("sub", run("i=1")) +
                                   part("sup", run("n")) + part("e", run("i")))),
            "$\\sum_{i=1}^{n} i$");
  EXPECT_EQ(latex(part("nary", part("naryPr", "<m:subHide m:val=\"1\"/><m:supHide m:val=\"1\"/>") +
                                   part("sub", "") + part("sup", "") + part("e", run("f")))),
            "$\\int f$");
}

TEST(Formula, WritesRowsOfMatricesAndEquations) {
  EXPECT_EQ(latex(part("m", part("mr", part("e", run("1")) + part("e", run("2"))) +
                                part("mr", part("e", run("3")) + part("e", run("4"))))),
            "$\\begin{matrix}1 & 2 \\\\ 3 & 4\\end{matrix}$");
  EXPECT_EQ(latex(part("eqArr", part("e", run("a=1")) + part("e", run("b=2")))), "$a=1 \\\\ b=2$");
}

TEST(Formula, WritesFunctionsAndAccents) {
  EXPECT_EQ(latex(part("func", part("fName", run("sin\u2061")) + part("e", run("θ")))), "$sin θ$");
  EXPECT_EQ(latex(part("acc", part("accPr", "<m:chr m:val=\"\u20D7\"/>") + part("e", run("v")))),
            "$\\vec{v}$");
}

TEST(Formula, StandsAloneInAParagraphOfItsOwn) {
  EXPECT_EQ(latex(part("oMath", run("E=m")), "oMathPara"), "$$E=m$$");
  EXPECT_EQ(latex(""), "") << "an empty one says nothing";
}

TEST(Formula, TakesPartsThatAreWhereTheyShouldNotBe) {
  EXPECT_EQ(latex(part("num", run("1")) + part("f", run("2")) + part("unknown", run("3"))),
            "$\\frac{1}23$");
}

}  // namespace
}  // namespace kvlink::extract
