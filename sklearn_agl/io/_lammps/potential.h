// A potential as its data file has it, and the compiled kernel that evaluates it for one atom at a time.

#ifndef AGL_POTENTIAL_H
#define AGL_POTENTIAL_H

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace agl {

// Lengths and energies are in the potential's own units.
struct Function {
  double lowest, highest;    // range in training
  int64_t element;           // index of the central atom's element
  std::string name;
};

struct Free {
  void operator()(void *data) const { std::free(data); }
};

// An array that the kernel is given. A dimension is a sum of three terms: a fixed one, one for every
// eight atoms of an environment, and one for every stream of triplets.
struct Array {
  std::string name;
  std::vector<std::array<int64_t, 3>> dimensions;
  std::vector<uint64_t> values;    // none for working memory, which begins with zeros
  int64_t words;                   // of eight bytes, in one entry
  std::unique_ptr<void, Free> memory;
};

class Potential {
 public:
  // Errors of the file are thrown as std::runtime_error.
  explicit Potential(const std::string &text);

  std::string units;
  double length_unit, energy_unit;    // in units of LAMMPS
  double cutoff;
  std::vector<std::string> elements;
  std::vector<Function> functions;

  // An environment: the central atom comes first, at the origin.
  double *x, *y, *z, *squares, *places;
  int64_t *species;

  // Make room for environments of so many atoms; what they contain is lost.
  void reserve(int64_t n_atoms);

  // Evaluate the environment of so many atoms; what follows is its result.
  void evaluate(int64_t n_atoms);

  double *energy, *values;
  double *gradient;    // (n_atoms, 3), of the energy by the positions
  double *strain;      // (3, 3), of the energy by a homogeneous deformation

  // Columns of `functions` that belong to an element.
  std::vector<std::vector<int64_t>> columns;

  double memory_usage() const;

 private:
  std::vector<Array> arrays;
  std::vector<int64_t> table;    // what the kernel gets: addresses and shapes
  int64_t n_octets = 0, n_streams = 0;

  void read_header(class Words &words);
  void read_functions(class Words &words);
  void read_arrays(class Words &words);
  void allocate(int64_t octets, int64_t streams);
  std::vector<int64_t> shape_of(const Array &array, int64_t octets, int64_t streams) const;
  int64_t place_of(const std::string &name) const;
  template <typename T> T *data_of(const std::string &name) const;
};

}    // namespace agl

#endif
