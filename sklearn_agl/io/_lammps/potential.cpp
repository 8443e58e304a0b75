#include "potential.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <stdexcept>

extern "C" int64_t agl_evaluate(const int64_t *table, int64_t n_atoms);

namespace agl {

namespace {
  constexpr int64_t ALIGNMENT = 64, OCTET = 8, ENTRIES = AGL_ENTRIES, FIRST_STREAMS = 16;
  constexpr int64_t MOST_WORDS = int64_t(1) << 28;
  const std::string CHECKSUM = "checksum ";

  [[noreturn]] void fail(const std::string &message)
  {
    throw std::runtime_error(message);
  }

  // CRC-32, as zlib has it.
  uint32_t checksum_of(const char *text, size_t length)
  {
    uint32_t sum = 0xffffffffu;
    for (size_t i = 0; i < length; i++) {
      sum ^= static_cast<unsigned char>(text[i]);
      for (int bit = 0; bit < 8; bit++) sum = (sum >> 1) ^ (sum & 1u ? 0xedb88320u : 0u);
    }
    return ~sum;
  }

  void check_whole(const std::string &text)
  {
    if (text.rfind("# Potential for pair_style agl", 0) != 0)
      fail("it is no data file of sklearn_agl.io.write_lammps; name the file that it wrote");
    const size_t last = text.rfind(CHECKSUM);
    if (last == std::string::npos) fail("it is cut off; write it anew, or copy it again");
    char sum[16];
    std::snprintf(sum, sizeof(sum), "%08x", checksum_of(text.data(), last));
    if (text.substr(last + CHECKSUM.size()) != std::string(sum) + "\n")
      fail("it is damaged, or was changed by hand; write it anew, or copy it again");
  }
}    // namespace

// The words of a text, one after the other.
class Words {
 public:
  explicit Words(const std::string &text) : text(text) {}

  std::string next()
  {
    while (position < text.size() && std::isspace(static_cast<unsigned char>(text[position])))
      position++;
    const size_t first = position;
    while (position < text.size() && !std::isspace(static_cast<unsigned char>(text[position])))
      position++;
    if (first == position) fail("it ends too early; write it anew");
    return text.substr(first, position - first);
  }

  std::string rest_of_line()
  {
    const size_t first = text.find_first_not_of(' ', position);
    const size_t end = std::min(text.find('\n', position), text.size());
    position = end;
    return first < end ? text.substr(first, end - first) : "";
  }

  void expect(const std::string &word)
  {
    const std::string found = next();
    if (found != word) fail("it has '" + found + "' where '" + word + "' should be; write it anew");
  }

  double real()
  {
    const std::string word = next();
    char *end;
    const double value = std::strtod(word.c_str(), &end);
    if (*end != '\0') fail("'" + word + "' is not a number; write it anew");
    return value;
  }

  int64_t integer(int64_t at_least = std::numeric_limits<int64_t>::min(),
                  int64_t at_most = std::numeric_limits<int64_t>::max())
  {
    const std::string word = next();
    char *end;
    errno = 0;
    const int64_t value = std::strtoll(word.c_str(), &end, 10);
    if (*end != '\0' || errno == ERANGE || value < at_least || value > at_most)
      fail("'" + word + "' is not a whole number that makes sense there; write it anew");
    return value;
  }

  // There can be no more of anything than the text has characters.
  int64_t count() { return integer(0, static_cast<int64_t>(text.size())); }

 private:
  const std::string &text;
  size_t position = 0;
};

Potential::Potential(const std::string &text)
{
  check_whole(text);
  Words words(text);
  words.rest_of_line();
  read_header(words);
  read_functions(words);
  read_arrays(words);
  allocate(1, FIRST_STREAMS);
}

void Potential::read_header(Words &words)
{
  words.expect("format");
  if (words.next() != AGL_FORMAT)
    fail("it is of another version of sklearn_agl than the plugin; write both anew");
  words.expect("kernel");
  if (words.next() != AGL_KERNEL)
    fail("it belongs to another plugin than the one that is loaded, with other symmetry functions; "
         "load the one beside it, after 'plugin unload pair agl' if there is one already");
  words.expect("units");
  units = words.next();
  words.expect("length_unit");
  length_unit = words.real();
  words.expect("energy_unit");
  energy_unit = words.real();
  words.expect("cutoff");
  cutoff = words.real();
  words.expect("elements");
  const int64_t n_elements = words.count();
  for (int64_t e = 0; e < n_elements; e++) elements.push_back(words.next());
}

void Potential::read_functions(Words &words)
{
  words.expect("functions");
  const int64_t n_functions = words.count(), n_elements = elements.size();
  columns.resize(n_elements);
  for (int64_t f = 0; f < n_functions; f++) {
    Function function;
    function.lowest = words.real();
    function.highest = words.real();
    function.element = words.integer(0, n_elements - 1);
    function.name = words.rest_of_line();
    columns[function.element].push_back(f);
    functions.push_back(function);
  }
}

void Potential::read_arrays(Words &words)
{
  words.expect("arrays");
  const int64_t n_arrays = words.count();
  for (int64_t a = 0; a < n_arrays; a++) {
    Array array;
    array.name = words.next();
    const std::string fields = words.next();    // d for a real number, q for a whole one
    array.words = fields.size();
    const int64_t n_dimensions = words.integer(1, ENTRIES - 1), most = MOST_WORDS;
    for (int64_t i = 0; i < n_dimensions; i++)
      array.dimensions.push_back(
          {words.integer(0, most), words.integer(0, most), words.integer(0, most)});
    const int64_t n_values = words.count();
    for (int64_t i = 0; i < n_values; i++) {
      uint64_t bits;
      if (fields[i % fields.size()] == 'd') {
        const double value = words.real();
        std::memcpy(&bits, &value, sizeof(bits));
      } else {
        bits = words.integer();
      }
      array.values.push_back(bits);
    }
    arrays.push_back(std::move(array));
  }
}

std::vector<int64_t> Potential::shape_of(const Array &array, int64_t octets, int64_t streams) const
{
  std::vector<int64_t> shape;
  double words = array.words;
  for (const auto &of : array.dimensions) {
    shape.push_back(of[0] + of[1] * octets + of[2] * streams);
    words *= static_cast<double>(shape.back());
  }
  if (!(words <= static_cast<double>(MOST_WORDS))) fail("array " + array.name + " is too large");
  if (!array.values.empty() && words != static_cast<double>(array.values.size()))
    fail("array " + array.name + " has another shape than it has values");
  return shape;
}

void Potential::allocate(int64_t octets, int64_t streams)
{
  table.assign(ENTRIES * arrays.size(), 0);
  for (size_t a = 0; a < arrays.size(); a++) {
    Array &array = arrays[a];
    int64_t bytes = 8 * array.words;
    const std::vector<int64_t> shape = shape_of(array, octets, streams);
    for (size_t i = 0; i < shape.size(); i++) {
      bytes *= shape[i];
      table[ENTRIES * a + 1 + i] = shape[i];
    }
    array.memory.reset();
    // The size has to be a multiple of the alignment; loops may read to the end of a register.
    const int64_t whole = (bytes / ALIGNMENT + 2) * ALIGNMENT;
    array.memory.reset(std::aligned_alloc(ALIGNMENT, whole));
    if (!array.memory) throw std::bad_alloc();
    std::memset(array.memory.get(), 0, whole);
    if (!array.values.empty()) std::memcpy(array.memory.get(), array.values.data(), bytes);
    table[ENTRIES * a] = reinterpret_cast<int64_t>(array.memory.get());
  }
  n_octets = octets;
  n_streams = streams;
  const int64_t width = table[ENTRIES * place_of("work.around") + 2];
  x = data_of<double>("work.around");
  y = x + width;
  z = y + width;
  squares = z + width;
  places = squares + width;
  species = data_of<int64_t>("environment.species");
  int64_t *order = data_of<int64_t>("environment.order");
  for (int64_t i = 0; i < OCTET * octets; i++) order[i] = i;
  energy = data_of<double>("data.energies");
  values = data_of<double>("data.values");
  gradient = data_of<double>("data.gradient");
  strain = data_of<double>("data.strain");
}

int64_t Potential::place_of(const std::string &name) const
{
  for (size_t a = 0; a < arrays.size(); a++)
    if (arrays[a].name == name) return a;
  fail("array " + name + " is missing");
}

template <typename T> T *Potential::data_of(const std::string &name) const
{
  return reinterpret_cast<T *>(table[ENTRIES * place_of(name)]);
}

void Potential::reserve(int64_t n_atoms)
{
  const int64_t octets = (n_atoms + OCTET - 1) / OCTET;
  if (octets > n_octets) allocate(std::max(octets, n_octets + n_octets / 2), n_streams);
}

void Potential::evaluate(int64_t n_atoms)
{
  while (!agl_evaluate(table.data(), n_atoms)) {
    // The environment outlives its memory.
    const std::vector<double> around(x, places + n_atoms);
    const std::vector<int64_t> of(species, species + n_atoms);
    allocate(n_octets, 2 * n_streams);
    std::copy(around.begin(), around.end(), x);
    std::copy(of.begin(), of.end(), species);
  }
}

double Potential::memory_usage() const
{
  double bytes = 0.0;
  for (const Array &array : arrays) {
    double words = array.words;
    for (const int64_t length : shape_of(array, n_octets, n_streams)) words *= length;
    bytes += 8.0 * words;
  }
  return bytes;
}

}    // namespace agl
