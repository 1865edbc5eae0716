from tests.payments.methods.conftest import ada as ada
from tests.payments.methods.conftest import at as at
