# Writes each block between ```cpp and ``` to a file of its own, readme_1.cpp, readme_2.cpp, ...
/^```cpp$/ { inside = 1; file = folder "/readme_" ++count ".cpp"; next }
/^```/ { if (inside) close(file); inside = 0; next }
inside { print > file }
