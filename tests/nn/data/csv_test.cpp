#include "dagrad/nn/data/csv.h"

#include <cmath>

#include "dagrad/core/error.h"
#include "dagrad/nn/data/csv_encoding.h"
#include "expect_error.h"
#include "scratch_folder.h"

namespace dagrad::data {
namespace {

using Csv = ScratchFolder;

TEST_F(Csv, ReadsNumbersTextsAndMissingValues) {
  const CsvTable t = read_csv(
      write("a", "\xef\xbb\xbfsize, colour ,\"n\"\"1\"\"\"\r\n1, red,5\r\n\r\n-2.5e1,\"a,\nb\",NA\r\n+3,red, 7 "));
  ASSERT_EQ(t.columns.size(), 3u);
  EXPECT_EQ(t.rows(), 3);
  EXPECT_EQ(t.lines, (std::vector<std::int64_t>{2, 4, 6}));
  EXPECT_EQ(t.columns[0].name, "size");
  EXPECT_EQ(t.columns[0].values, (std::vector<double>{1, -25, 3}));
  EXPECT_EQ(t.columns[1].name, "colour");
  EXPECT_EQ(t.columns[1].texts, (std::vector<std::string>{"a,\nb", "red"}));
  EXPECT_EQ(t.columns[1].values, (std::vector<double>{1, 0, 1}));
  EXPECT_EQ(t.columns[2].name, "n\"1\"");
  EXPECT_EQ(t.columns[2].values[2], 7);
  EXPECT_TRUE(std::isnan(t.columns[2].values[1]));
  EXPECT_EQ(t.columns[2].missing, std::vector<std::int64_t>{1});
}

TEST_F(Csv, MakesADatasetOfFeaturesAndClasses) {
  const auto file = write("a", "kind,x,colour\n3,1,red\n-1,2,blue\n3,4,red\n");
  const Dataset d = load_csv(file, {.label = "kind"});
  EXPECT_EQ(d.features.shape(), (Shape{3, 3}));
  EXPECT_EQ(d.features.to_vector<int>(), (std::vector<int>{1, 0, 1, 2, 1, 0, 4, 0, 1}));  // x, blue, red
  EXPECT_EQ(d.labels.to_vector<int>(), (std::vector<int>{1, 0, 1}));
  EXPECT_EQ(d.classes, 2);
  const Dataset last =
      load_csv(write("b", "1;2;0.5\n3;4;1.5\n"), {.separator = ';', .header = false, .regression = true});
  EXPECT_EQ(last.features.to_vector<int>(), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(last.labels.to_vector<float>(), (std::vector<float>{0.5f, 1.5f}));
  EXPECT_EQ(last.classes, 0);
}

TEST_F(Csv, TreatsMissingValuesAsAsked) {
  const auto file = write("a", "x,c,y\n1,p,0\n,q,1\n5,?,0\n3,p,NA\n");
  expect_error<IoError>(
      [&] { load_csv(file); },
      file.string() + ":3: column 'x' has no value (want one; the option missing can drop the row or take the mean)");
  const Dataset dropped = load_csv(file, {.missing = Missing::drop_row});
  EXPECT_EQ(dropped.size(), 1);
  const Dataset filled = load_csv(file, {.missing = Missing::mean});
  EXPECT_EQ(filled.features.to_vector<int>(), (std::vector<int>{1, 1, 0, 3, 0, 1, 5, 0, 0}));
  EXPECT_EQ(filled.labels.to_vector<int>(), (std::vector<int>{0, 1, 0}));
}

TEST_F(Csv, NamesTheLineThatIsWrong) {
  const struct {
    std::string text, message;
  } cases[] = {
      {"", ": has no line (want a table)"},
      {"\n\n", ": has no line (want a table)"},
      {"a,b\n", ": has no row whose values are there (want at least one)"},
      {"a,b\n1,2\n\"1\n2\",2\n1,2,3\n", ":5: has 3 fields (want 2, as the first line)"},
      {"a,b\n1\n", ":2: has 1 fields (want 2, as the first line)"},
      {"a,b\n1,\"2\n3", ":2: a quoted field does not end"},
      {"a,b\n\"1\"x,2\n", ":2: text follows the quoted field 1 (want ',' or the line's end)"},
      {"a,b\n1,2\n1e999,2\n", ":3: column 'a' has '1e999' (want a finite number of type double)"},
      {"a,b\ninf,2\n", ":2: column 'a' has 'inf' (want a finite number of type double)"},
      {"a,a\n1,2\n", ":1: has the column 'a' twice"},
      {"a\n1\n", ": has one column (want features besides the label)"},
      {"a,y\n,1\n,0\n", ":2: column 'a' has no value (want one; the option missing can drop the row or take the mean)"},
  };
  for (const auto& [text, message] : cases) {
    const auto file = write("a", text);
    expect_error<IoError>([&] { load_csv(file); }, file.string() + message);
  }
  const auto file = write("a", "a,y\np,1\nq,0\n");
  expect_error<IoError>([&] { load_csv(file, {.label = "z"}); },
                        file.string() + ": has no column 'z' (want one of a, y)");
  expect_error<IoError>([&] { load_csv(file, {.most_texts = 1}); },
                        file.string() + ": column 'a' has 2 different texts (want at most 1)");
  expect_error<IoError>([&] { load_csv(file, {.label = "a", .regression = true}); },
                        file.string() + ":2: column 'a' has the text 'p' (want numbers to learn)");
  expect_error<IoError>([&] { load_csv(write("b", "a,y\n,1\n,0\n"), {.missing = Missing::mean}); },
                        (folder_ / "b").string() + ": column 'a' has no value at all");
}

TEST_F(Csv, ReadsAnotherTableAsTheOneThatTheEncodingIsOf) {
  const CsvOptions options{.label = "kind"};
  const CsvTable first = read_csv(write("a", "kind,x,colour\ncat,1,red\ndog,2,blue\ncat,6,red\n"), options);
  const CsvEncoding encoding = csv_encoding(first, options, "a");
  EXPECT_EQ(encoding.classes, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(encoding.width(), 3);
  // Other columns, in another order, with one text alone.
  const CsvTable other = read_csv(write("b", "more,colour,x,kind\n9,red,5,dog\n9,red,7,dog\n"), options);
  const Dataset d = encode_csv(other, encoding, options, "b");
  EXPECT_EQ(d.features.to_vector<int>(), (std::vector<int>{5, 0, 1, 7, 0, 1}));
  EXPECT_EQ(d.labels.to_vector<int>(), (std::vector<int>{1, 1}));
  EXPECT_EQ(d.classes, 2);
  // To predict for, no labels are needed, and what is missing becomes the first table's mean.
  const CsvTable bare = read_csv(write("c", "x,colour\n,red\n"), options);
  const CsvOptions filling{.missing = Missing::mean};
  EXPECT_EQ(encode_csv_features(bare, encoding, filling, "c").to_vector<int>(), (std::vector<int>{3, 0, 1}));
  expect_error<IoError>(
      [&] { encode_csv_features(bare, encoding, options, "c"); },
      "c:2: column 'x' has no value (want one; the option missing can drop the row or take the mean)");
}

TEST_F(Csv, NamesWhatAnEncodingDoesNotHave) {
  const CsvTable table = read_csv(write("a", "x,y\nred,1\nblue,0.5\n"));
  const CsvEncoding encoding = csv_encoding(table, {}, "a");
  EXPECT_EQ(encoding.classes, (std::vector<std::string>{"0.5", "1"}));
  const auto encode = [&](const std::string& text) { encode_csv(read_csv(write("b", text)), encoding, {}, "b"); };
  expect_error<IoError>([&] { encode("x,y\ngreen,1\n"); }, "b:2: column 'x' has 'green' (want one of blue, red)");
  expect_error<IoError>([&] { encode("x,y\nred,1\nred,2\n"); }, "b:3: column 'y' has '2' (want one of 0.5, 1)");
  expect_error<IoError>([&] { encode("x,z\nred,1\n"); },
                        "b: has the columns x, z (want 'y' as well, like the table that was trained on)");
  const CsvEncoding numbers = csv_encoding(read_csv(write("c", "x,y\n3,1\n")), {}, "c");
  expect_error<IoError>([&] { encode_csv(table, numbers, {}, "a"); },
                        "a:2: column 'x' has the text 'blue' (want numbers)");
}

TEST_F(Csv, FindsTheFeaturesOfATableWithoutAHeaderByPosition) {
  const CsvOptions options{.header = false, .label = "1"};
  const CsvEncoding encoding = csv_encoding(read_csv(write("a", "1,0,2\n3,1,4\n"), options), options, "a");
  const CsvTable bare = read_csv(write("b", "5,6\n"), options), whole = read_csv(write("c", "5,0,6\n"), options);
  EXPECT_EQ(encode_csv_features(bare, encoding, options, "b").to_vector<int>(), (std::vector<int>{5, 6}));
  EXPECT_EQ(encode_csv_features(whole, encoding, options, "c").to_vector<int>(), (std::vector<int>{5, 6}));
}

}  // namespace
}  // namespace dagrad::data
