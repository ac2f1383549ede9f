use super::*;
use crate::change::diff::read_diff;
use crate::diagnostic::SourceId;

/// The parts of a diff with one file, one a line: `names lines`.
fn parts(path: &str, hunks: &str) -> String {
    let text = format!("--- a/{path}\n+++ b/{path}\n{hunks}");
    let diff = read_diff(SourceId::default(), &text).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    let named = |part: &ChangedPart| match part.names.as_slice() {
        [] => format!("- {}", part.lines),
        names => format!("{} {}", names.join("."), part.lines),
    };
    diff.files[0].parts.iter().map(named).collect::<Vec<_>>().join("\n")
}

/// A hunk over a whole file, in which `-` and `+` at the start of a line mark changes; other lines begin with a space.
fn hunk(heading: &str, lines: &str) -> String {
    hunk_at(20, heading, lines)
}

fn hunk_at(first: usize, heading: &str, lines: &str) -> String {
    let count = |sign| lines.lines().filter(|line| !line.starts_with(sign)).count();
    format!("@@ -{first},{} +{first},{} @@ {heading}\n{lines}", count('+'), count('-'))
}

/// The names a whole text gives to the line that holds `HERE`.
fn at(path: &str, text: &str) -> String {
    let line = |line: &str| format!("{}{line}\n", if line.contains("HERE") { '+' } else { ' ' });
    let found = parts(path, &hunk_at(1, "", &text.lines().map(line).collect::<String>()));
    found.rsplit_once(' ').map_or(found.clone(), |(names, _)| names.to_owned())
}

#[test]
fn definitions_are_known_in_every_language() {
    for (path, line, expected) in [
        ("a.go", "func PlaceOrder(ctx context.Context) error {", "PlaceOrder"),
        (
            "a.go",
            "func (s *checkoutService) PlaceOrder(ctx Context, in *pb.Order) (*pb.Result, error) {",
            "checkoutService.PlaceOrder",
        ),
        ("a.go", "func (l List[T]) Map[U any](f func(T) U) List[U] {", "List.Map"),
        ("a.go", "func Max[T Ordered](a, b T) T {", "Max"),
        ("a.go", "type Service struct {", "Service"),
        ("a.go", "var handler = func(w Writer) {", "-"),
        ("a.py", "def place_order(request):", "place_order"),
        ("a.py", "async def place_order(", "place_order"),
        ("a.py", "class Checkout(Base):", "Checkout"),
        ("a.py", "defer(x)", "-"),
        ("a.ts", "export async function placeOrder<T>(order: Order): Promise<T> {", "placeOrder"),
        ("a.js", "function* orders() {", "orders"),
        ("a.js", "function *orders() {", "orders"),
        ("a.ts", "export default class Checkout extends Base {", "Checkout"),
        ("a.ts", "export const placeOrder: Handler = async (req, res) => {", "placeOrder"),
        ("a.js", "const placeOrder = function (req) {", "placeOrder"),
        ("a.js", "const total = sum(items.map((item) => {", "-"),
        ("a.js", "const limit = 3", "-"),
        ("a.ts", "public async placeOrder({a, b}: Order): Promise<void> {", "placeOrder"),
        ("a.ts", "placeOrder = async (order: Order) => {", "placeOrder"),
        ("a.js", "get total() {", "total"),
        ("a.js", "#charge(card) {", "charge"),
        ("a.js", "placeOrder(order, () => {", "-"),
        ("a.js", "placeOrder(order);", "-"),
        ("a.js", "if (order) {", "-"),
        ("a.js", "} else if (order) {", "-"),
        ("a.java", "public Order placeOrder(Cart cart) throws OrderException {", "placeOrder"),
        ("a.java", "@Override public Map<String, List<Order>> orders(", "orders"),
        ("a.java", "Order placeOrder(Cart cart);", "placeOrder"),
        ("a.java", "public CheckoutService(Cart cart) {", "CheckoutService"),
        ("a.java", "public final class CheckoutService implements Checkout {", "CheckoutService"),
        ("a.java", "return placeOrder(cart);", "-"),
        ("a.java", "Order order = placeOrder(cart);", "-"),
        ("a.java", "this.service.placeOrder(cart);", "-"),
        ("a.java", "placeOrder(cart);", "-"),
        ("a.java", "throw new OrderException(cart);", "-"),
        ("a.java", "} else if (placeOrder(cart)) {", "-"),
        ("a.cs", "public async Task<Order> PlaceOrder<T>(T cart)", "PlaceOrder"),
        ("a.cs", "public record struct Order(int Id);", "Order"),
        ("a.cs", "await PlaceOrder(cart);", "-"),
        ("a.kt", "override suspend fun placeOrder(cart: Cart): Order = coroutineScope {", "placeOrder"),
        ("a.kt", "fun <T> List<T>.second(): T = this[1]", "second"),
        ("a.kt", "data class Order(val id: Int)", "Order"),
        ("a.kt", "placeOrder(cart) {", "-"),
        ("a.rs", "pub(crate) async fn place_order<T>(cart: T) -> Result<()> {", "place_order"),
        ("a.rs", "unsafe extern \"C\" fn charge() {", "charge"),
        ("a.rs", "impl<'a, T: Into<u8>> fmt::Display for orders::Order<'a, T> {", "Order"),
        ("a.rs", "impl Checkout {", "Checkout"),
        ("a.rs", "const LIMIT: u8 = 3;", "-"),
        ("a.rb", "def self.place_order!(cart)", "place_order!"),
        ("a.rb", "private def charge", "charge"),
        ("a.rb", "class Shop::Checkout < Base", "Checkout"),
        ("a.rb", "define_method(:x) do", "-"),
        ("a.proto", "rpc PlaceOrder(OrderRequest) returns (OrderResponse) {}", "PlaceOrder"),
        ("a.proto", "service Checkout {", "Checkout"),
        ("a.c", "int place_order(void) {", "-"),
        ("Makefile", "def x():", "-"),
    ] {
        let found = language(path).and_then(|language| definition(language, line));
        let names = found.map_or("-".to_owned(), |definition| definition.names.join("."));
        assert_eq!(names, expected, "{path}: {line}");
    }
}

#[test]
fn lines_lie_in_what_is_open_around_them() {
    for (path, text, expected) in [
        ("a.go", "import (\n\t\"fmt\" HERE\n)\n", "-"),
        ("a.go", "func A() {\n\tif x {\n\t}\n\ty() HERE\n}\n", "A"),
        ("a.go", "func A() {\n}\n\nvar x = []int{\n\t1, HERE\n}\n", "-"),
        ("a.go", "func A(\n\tx int,\n) error {\n\ty() HERE\n}\n", "A"),
        ("a.go", "func A() {\n\ts := `\nfunc B() {\n`\n\ty() HERE\n}\n", "-"),
        ("a.go", "func A() {\n\ts := `\n\t  from HERE\n`\n}\n", "A"),
        ("a.go", "func A() {\n} // HERE\n", "A"),
        ("a.go", "func A() {\n}\n// HERE\nfunc B() {\n", "-"),
        ("a.go", "func A() { return }\n\t// HERE\n", "-"),
        ("a.py", "class C:\n    def a(self):\n        x()\n\n    limit = 3  # HERE\n", "C"),
        ("a.py", "class C:\n    def a(\n        self,\n    ) -> int:\n        return 1  # HERE\n", "C.a"),
        ("a.py", "def a():\n    pass\n\n@route(\n    '/b',  # HERE\n)\ndef b():\n    pass\n", "-"),
        ("a.py", "def helper():\n    def place():\n        x()  # HERE\n", "helper"),
        ("a.py", "def a():\n    '''\ndef b():\n    HERE\n    '''\n", "-"),
        ("a.ts", "class C {\n  private x = 1;\n  a(b: B): void {\n    b(); // HERE\n  }\n", "C.a"),
        ("a.ts", "class C {\n  a(): void {\n    b();\n  }\n  private x = 1; // HERE\n", "C"),
        ("a.js", "helper(function () {\n  place(a, () => {\n    b(); // HERE\n  });\n});\n", "-"),
        ("a.java", "class C {\n    void a() {\n        b();\n    }\n\n    int x = 1; // HERE\n}\n", "C"),
        ("a.cs", "class C\n{\n    void A()\n    {\n        B(); // HERE\n    }\n}\n", "C.A"),
        ("a.kt", "class C {\n    fun a() = b\n    val x = 1 // HERE\n}\n", "C"),
        ("a.rs", "impl C {\n    fn a<T>(t: T)\n    where\n        T: Copy,\n    {\n        b(); // HERE\n    }\n}\n", "C.a"),
        // What stands behind the end of a definition is outside of it; braces in texts are none.
        ("A.java", "class C {\n    void a() {\n        b();\n    } static int other = 3; // HERE\n}\n", "-"),
        ("A.java", "class C {\n    void a() {\n        b('{', \"{\");\n    }\n    int c = 1; // HERE\n}\n", "C"),
        ("a.rb", "class C\n  def total(items) = items.sum\n    LIMIT = 3 # HERE\nend\n", "C"),
        ("a.rs", "fn a() {\n}\n\n#[cfg(\n    test // HERE\n)]\nfn b() {}\n", "-"),
        ("a.rb", "class C\n  def a\n    b\n  rescue E\n    c # HERE\n  end\nend\n", "C.a"),
        ("a.rb", "class C\n  def a\n    b\n  end\n  X = 1 # HERE\nend\n", "C"),
        ("a.proto", "service S {\n  rpc A(X) returns (Y);\n  rpc B(X) returns (Y) {\n    option x = 1; // HERE\n  }\n", "S.B"),
        ("a.c", "int a() {\n  b(); // HERE\n}\n", "-"),
    ] {
        assert_eq!(at(path, text), expected, "{path}:\n{text}");
    }
}

#[test]
fn a_heading_is_the_definition_before_the_hunk_and_may_have_ended() {
    let inside = hunk("func (s *Shop) PlaceOrder(ctx Context) {", " \tx := 1\n-\ty(x)\n+\tz(x)\n \treturn\n");
    assert_eq!(parts("a.go", &inside), "Shop.PlaceOrder 2");
    let behind = hunk("func PlaceOrder() {", " \treturn\n }\n \n-var limit = 1\n+var limit = 2\n");
    assert_eq!(parts("a.go", &behind), "- 2");
    let next = hunk("func PlaceOrder() {", " }\n \n func GetQuote() {\n-\ta()\n+\tb()\n");
    assert_eq!(parts("a.go", &next), "GetQuote 2");
    let both = hunk("func PlaceOrder() {", " \ta()\n+\tb()\n }\n \n func GetQuote() {\n-\ta()\n");
    assert_eq!(parts("a.go", &both), "PlaceOrder 1\nGetQuote 1");
    let renamed = hunk("import \"fmt\"", "-func PlaceOrder() {\n+func PlaceOrders() {\n \ta()\n-\tb()\n+\tc()\n");
    assert_eq!(parts("a.go", &renamed), "PlaceOrder 2\nPlaceOrders 2");
    // Each hunk begins anew.
    let two = hunk("func PlaceOrder() {", "+\ta()\n") + &hunk("", " \tx()\n+\tb()\n");
    assert_eq!(parts("a.go", &two), "PlaceOrder 1\n- 1");
    // A lone mark begins text or ends it, and a definition before it may be a part of that text.
    let doubtful = hunk("", " def get():\n-    a()\n     '''\n");
    assert_eq!(parts("a.py", &doubtful), "- 1");
    assert_eq!(parts("a.py", &(doubtful + &hunk("", " def get():\n-    a()\n"))), "- 1\nget 1");
    assert_eq!(parts("a.go", &hunk("func get() { return }", " \n-\tx\n")), "- 1");
    // Elsewhere what stands between the heading and the hunk is not known.
    let heading = hunk("def place_order(request):", "     a()\n-    b()\n+    c()\n");
    assert_eq!(parts("a.py", &heading), "- 2");
    let shown = hunk("class Shop:", "     def place_order(self):\n-        b()\n+        c()\n");
    // It may be inside another function.
    assert_eq!(parts("a.py", &shown), "- 2");
    let shown = hunk("import x", " class Shop:\n     def place_order(self):\n-        b()\n+        c()\n");
    assert_eq!(parts("a.py", &shown), "Shop.place_order 2");
}

/// Texts in which something stands behind the end of a definition that is no definition itself.
const TEXTS: [(&str, &str); 7] = [
    (
        "a.go",
        "package a\n\nimport (\n\t\"fmt\"\n)\n\ntype Shop struct {\n\tx int\n}\n\nfunc (s *Shop) Place(\n\tx int,\n) error {\n\tif x {\n\t\tgo func() {\n\t\t\ty()\n\t\t}()\n\t}\nretry:\n\treturn nil\n}\n\nvar (\n\ta = 1\n)\n\nfunc get() { return }\n\nvar b = map[string]int{\n\t\"c\": 1,\n}\n",
    ),
    (
        "a.py",
        "import a\n\nLIMITS = {\n    'a': 1,\n}\n\nclass Shop:\n    name = 'x'\n\n    @cached(\n        5,\n    )\n    def place(self):\n        '''\nget it\n        '''\n        return 1\n\n    other = 2\n\n@route(\n    '/',\n)\ndef get(\n    x,\n):\n    def inner():\n        pass\n    return x\n\nget(\n    1,\n)\n",
    ),
    (
        "a.ts",
        "import {\n  a,\n} from 'a';\n\nexport class Shop {\n  private x = {\n    y: 1,\n  };\n  @log({\n    a: 1,\n  })\n  async place(\n    order: Order,\n  ): Promise<void> {\n    get(order, () => {\n      x();\n    });\n  }\n  total = 3;\n}\n\nexport const get = async (x) => {\n  return x;\n};\n\n(function () {\n  var z = 1;\n})();\n",
    ),
    (
        "a.java",
        "package a;\n\n@Config(\n    x = 1\n)\npublic class Shop {\n    private int x =\n        1;\n\n    @Override\n    public void place(Order order)\n            throws E {\n        if (x) {\n            y();\n        } else {\n            z();\n        }\n    }\n\n    static {\n        w();\n    }\n\n    class Inner {\n        void get() {\n            a();\n        }\n    }\n}\n",
    ),
    (
        "a.rs",
        "use a::{\n    b,\n};\n\nimpl Shop {\n    const X: u8 = 1;\n\n    pub fn place(&self) -> u8 {\n        match x {\n            1 => 2,\n        }\n    }\n\n    #[cfg(\n        test\n    )]\n    fn get<T>(t: T)\n    where\n        T: Copy,\n    {\n    }\n}\n\nstatic Y: [u8; 1] = [\n    1,\n];\n",
    ),
    (
        "a.rb",
        "require 'a'\n\nclass Shop\n  LIMIT = [\n    1,\n  ]\n\n  def place(x)\n    if x\n      y\n    end\n  ensure\n    z\n  end\n\n  validates :x,\n            y: 1\nend\n",
    ),
    (
        "a.kt",
        "class Shop(\n    val x: Int,\n) {\n    val y = listOf(\n        1,\n    )\n\n    fun place() =\n        1\n\n    init {\n        z()\n    }\n\n    fun get(): Int {\n        return 1\n    }\n}\n",
    ),
];

/// What a diff shows with few lines around a change is never more than the whole file shows, wherever the change is.
#[test]
fn less_context_never_tells_more() {
    let (mut told, mut asked) = (0, 0);
    for (path, text) in TEXTS {
        let lines: Vec<&str> = text.lines().collect();
        let names = |heading: &str, from: usize, to: usize, changed: usize| {
            let line = |at: usize| format!("{}{}\n", if at == changed { '-' } else { ' ' }, lines[at]);
            let tracked = parts(path, &hunk_at(from + 1, heading, &(from..to).map(line).collect::<String>()));
            tracked.rsplit_once(' ').map(|(names, _)| names.trim_start_matches('-').to_owned()).unwrap_or_default()
        };
        for changed in 0..lines.len() {
            let whole = names("", 0, lines.len(), changed);
            for context in 0..8 {
                let (from, to) = (changed.saturating_sub(context), lines.len().min(changed + context + 1));
                // As git finds it where nobody told it the language.
                let is_heading = |line: &&&str| line.starts_with(|sign: char| sign.is_ascii_alphabetic() || "_$".contains(sign));
                let heading = lines[..from].iter().rev().find(is_heading).copied().unwrap_or_default();
                let few = names(heading, from, to, changed);
                assert!(whole.ends_with(&few), "{path}:{} {}: {few} is not {whole}", changed + 1, lines[changed]);
                told += u32::from(!few.is_empty());
                asked += u32::from(!whole.is_empty());
            }
        }
    }
    assert!(told * 4 > asked, "{told} of {asked}");
}
