// SPDX-License-Identifier: Apache-2.0
#include "tests/retrieval/made_documents.h"

#include <zlib.h>

#include <cstdint>
#include <stdexcept>

#include "retrieval/extract/extractor.h"

namespace kvlink::retrieval::tests {
namespace {

std::string big_endian(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFF);
  return out;
}

std::string little_endian(std::uint32_t value, int n_bytes) {
  std::string out;
  for (int i = 0; i < n_bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
  return out;
}

std::string png_chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const auto sum =
      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return big_endian(static_cast<std::uint32_t>(data.size())) + body +
         big_endian(static_cast<std::uint32_t>(sum));
}

}  // namespace

std::string compressed(const std::string& data, Wrapping wrapping) {
  const int window = wrapping == Wrapping::kRaw    ? -MAX_WBITS
                     : wrapping == Wrapping::kGzip ? 16 + MAX_WBITS
                                                   : MAX_WBITS;
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, data.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string pdf(const std::vector<std::string>& objects) {
  std::string out = "%PDF-1.5\n";
  std::vector<std::size_t> offsets;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    offsets.push_back(out.size());
    out += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  const std::size_t table = out.size();
  out += "xref\n0 " + std::to_string(objects.size() + 1) + "\n0000000000 65535 f \n";
  for (const auto offset : offsets) {
    std::string digits = std::to_string(offset);
    out += std::string(10 - digits.size(), '0') + digits + " 00000 n \n";
  }
  return out + "trailer\n<< /Size " + std::to_string(objects.size() + 1) +
         " /Root 1 0 R >>\nstartxref\n" + std::to_string(table) + "\n%%EOF\n";
}

std::string pdf_stream(const std::string& dictionary, const std::string& data) {
  return "<< " + dictionary + " /Length " + std::to_string(data.size()) + " >>\nstream\n" + data +
         "\nendstream";
}

std::string pdf_of_lines(const std::vector<std::string>& lines) {
  std::vector<std::string> objects = {kPdfCatalogue, "", kPdfFont};
  std::string kids;
  for (const auto& line : lines) {
    const auto page = objects.size() + 1;
    kids += std::to_string(page) + " 0 R ";
    objects.push_back("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 200] /Contents " +
                      std::to_string(page + 1) + " 0 R /Resources << /Font << /F 3 0 R >> >> >>");
    objects.push_back(
        pdf_stream("", line.empty() ? "" : "BT /F 20 Tf 40 100 Td (" + line + ") Tj ET"));
  }
  objects[1] =
      "<< /Type /Pages /Kids [" + kids + "] /Count " + std::to_string(lines.size()) + " >>";
  return pdf(objects);
}

namespace {

GreyPicture drawn(const std::string& document) {
  ReadRequest request;
  request.page = 1;
  request.pixel_width = 1654;
  const auto drawn = Extractor(beside_this_test("kvlink-extract")).read(document, request, {});
  if (!drawn || !drawn->report.image) throw std::runtime_error("no page was drawn");
  const PageImage& image = *drawn->report.image;
  GreyPicture made{image.width, image.height, {}};
  for (std::size_t i = 0; i < image.pixels.size(); i += 4) made.pixels += image.pixels[i];
  return made;
}

}  // namespace

GreyPicture picture_of_line(const std::string& line) { return drawn(pdf_of_lines({line})); }

GreyPicture picture_of_lines(const std::vector<std::string>& lines) {
  std::string text = "BT /F 20 Tf 28 TL 40 560 Td ";
  for (const auto& line : lines) text += "(" + line + ") Tj T* ";
  return drawn(pdf({kPdfCatalogue, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 600] /Contents 4 0 R "
                    "/Resources << /Font << /F 5 0 R >> >> >>",
                    pdf_stream("", text + "ET"), kPdfFont}));
}

GreyPicture turned_clockwise(const GreyPicture& picture) {
  GreyPicture made{picture.height, picture.width, {}};
  const auto width = static_cast<std::size_t>(picture.width);
  for (std::size_t x = 0; x < width; ++x) {
    for (auto y = static_cast<std::size_t>(picture.height); y-- > 0;) {
      made.pixels += picture.pixels[y * width + x];
    }
  }
  return made;
}

std::string png(const GreyPicture& picture) {
  std::string rows;
  const auto width = static_cast<std::size_t>(picture.width);
  for (std::size_t at = 0; at < picture.pixels.size(); at += width) {
    rows += '\0' + picture.pixels.substr(at, width);
  }
  return std::string("\x89PNG\r\n\x1A\n", 8) +
         png_chunk("IHDR", big_endian(static_cast<std::uint32_t>(picture.width)) +
                               big_endian(static_cast<std::uint32_t>(picture.height)) +
                               std::string("\x08\0\0\0\0", 5)) +
         png_chunk("IDAT", compressed(rows, Wrapping::kZlib)) + png_chunk("IEND", "");
}

std::string tiff(const std::vector<GreyPicture>& pages) {
  std::string out("II*\0", 4);
  out += little_endian(8, 4);
  for (std::size_t i = 0; i < pages.size(); ++i) {
    const GreyPicture& page = pages[i];
    const auto begin = static_cast<std::uint32_t>(out.size());
    const std::uint32_t pixels = begin + 2 + 9 * 12 + 4;
    const auto n = static_cast<std::uint32_t>(page.pixels.size());
    const auto entry = [&](std::uint32_t tag, std::uint32_t value) {
      out += little_endian(tag, 2) + little_endian(4, 2) + little_endian(1, 4) +
             little_endian(value, 4);
    };
    out += little_endian(9, 2);
    entry(256, static_cast<std::uint32_t>(page.width));
    entry(257, static_cast<std::uint32_t>(page.height));
    entry(258, 8);  // bits of a sample
    entry(259, 1);  // no compression
    entry(262, 1);  // 0 is black
    entry(273, pixels);
    entry(277, 1);  // samples of a pixel
    entry(278, static_cast<std::uint32_t>(page.height));
    entry(279, n);
    out += little_endian(i + 1 < pages.size() ? pixels + n : 0, 4) + page.pixels;
  }
  return out;
}

std::string scanned_pdf(const std::vector<GreyPicture>& pages) {
  std::vector<std::string> objects = {kPdfCatalogue, ""};
  std::string kids;
  for (const auto& page : pages) {
    const auto first = objects.size() + 1;
    kids += std::to_string(first) + " 0 R ";
    objects.push_back("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 200] /Contents " +
                      std::to_string(first + 1) + " 0 R /Resources << /XObject << /I " +
                      std::to_string(first + 2) + " 0 R >> >> >>");
    objects.push_back(pdf_stream("", "595 0 0 200 0 0 cm /I Do"));
    objects.push_back(
        pdf_stream("/Type /XObject /Subtype /Image /Width " + std::to_string(page.width) +
                       " /Height " + std::to_string(page.height) +
                       " /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode",
                   compressed(page.pixels, Wrapping::kZlib)));
  }
  objects[1] =
      "<< /Type /Pages /Kids [" + kids + "] /Count " + std::to_string(pages.size()) + " >>";
  return pdf(objects);
}

std::filesystem::path beside_this_test(const char* program) {
  return std::filesystem::canonical("/proc/self/exe").parent_path() / program;
}

std::string why_no_ocr() {
  const auto program = beside_this_test("kvlink-ocr");
  if (!std::filesystem::exists(program)) return "kvlink-ocr was not built: Tesseract is missing";
  const std::string languages = output_of(program, {"--languages"}, 60);
  if (("\n" + languages).find("\neng\n") != std::string::npos) return "";
  return "Tesseract has no trained data for English here";
}

}  // namespace kvlink::retrieval::tests
